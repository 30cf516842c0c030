"""Programs that read what people uploaded, each in a process of its own that can do nothing else.

Each is run as `python -m holdfast.core.files.service.extract.NAME SIZE`, with the content on its standard input; it
writes one line of JSON, then the bytes of what it made. What they import is imported before `confine`: afterwards no
file and no socket can be opened.
"""
