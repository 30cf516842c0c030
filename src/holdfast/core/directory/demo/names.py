"""Names of people of many origins, for the demo data; none is meant to be anybody."""

import random
import unicodedata

# Given names | family names, an origin a line.
_ORIGINS = """
Oliver Amelia George Isla Harry Freya Jack Evie Alfie Poppy|Smith Taylor Clarke Walker Hughes Bennett Marsh Ellis
Aoife Cian Niamh Oisín Saoirse Declan Róisín Fionn|Murphy O'Brien Byrne Gallagher Ó'Sullivan Doyle Kavanagh Nolan
Łukasz Agnieszka Zofia Paweł Małgorzata Piotr Krzysztof Hanna|Nowak Kowalski Wiśniewska Wójcik Kamińska Lewandowski Zielińska Dąbrowski
Lukas Hannah Jürgen Anneliese Matthias Sophie Björn Käthe|Müller Schäfer Krüger Weiß Hoffmann Brandt Vogel Lindner
Camille Hugo Élodie Théo Margaux Antoine Chloé Rémi|Lefèvre Moreau Dubois Garnier François Chevalier Béranger Roux
Lucía Javier Martín Inés Álvaro Carmen Sofía Íñigo|García Fernández Núñez Ibáñez Romero Castaño Vidal Ortega
Beatriz João Inês Tiago Mariana Rafael Conceição Luís|Silva Santos Araújo Conceição Magalhães Ribeiro Nogueira Tavares
Giulia Matteo Chiara Lorenzo Alessia Niccolò Francesca Davide|Rossi Esposito Ricci Colombo Marchetti D'Angelo Ferrari Galli
Ingrid Lars Åsa Søren Astrid Mikael Kjersti Øystein|Johansson Lindqvist Håkansson Nørgaard Bjørnstad Ekström Dahl Berg
Andreea Ștefan Ioana Radu Mihaela Vlad Bogdan Ilinca|Popescu Ionescu Munteanu Țurcanu Dumitru Stoica Rădulescu Marin
Oksana Dmytro Kateryna Andriy Yuliia Taras Olena Bohdan|Shevchenko Kovalenko Bondarenko Tkachuk Melnyk Lysenko Moroz
Elif Mehmet Zeynep Emre Ayşe Çağlar Deniz Şule|Yılmaz Demir Şahin Çelik Öztürk Aydın Kaya Doğan
Fatima Omar Layla Youssef Amina Khalid Nour Tariq|Haddad Al-Masri Khoury Mansour Farouk Rahman Saleh Nasser
Priya Arjun Ananya Rohan Kavya Vikram Deepa Sanjay|Sharma Patel Iyer Reddy Mukherjee Nair Singh Desai
Ayesha Bilal Sana Imran Hina Usman Zara Faisal|Khan Malik Hussain Qureshi Siddiqui Chaudhry Ahmed Mirza
Wei Mei Jun Xiuying Hao Lan Tao Ying|Wang Li Zhang Chen Liu Huang Zhao Lin
Minh Linh Anh Huệ Quân Thảo Dũng Ngọc|Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi
Yuki Haruto Sakura Kenji Aoi Ren Hina Daichi|Sato Suzuki Takahashi Tanaka Watanabe Itō Kobayashi Yoshida
Chinedu Adaeze Oluwaseun Ngozi Emeka Folake Tunde Amaka|Okafor Adeyemi Eze Balogun Nwosu Ogunleye Bello Obi
Kwame Ama Kofi Efua Yaw Akosua Kojo Abena|Mensah Owusu Boateng Asante Osei Appiah Agyeman Darko
Thandiwe Sipho Nomvula Themba Lerato Kagiso Zanele Bongani|Dlamini Nkosi Khumalo Mokoena Ndlovu Zulu Molefe Sithole
Amahle Tendai Rudo Farai Chipo Tatenda Nyasha Kudzai|Moyo Ncube Chikwanha Mutasa Sibanda Dube Marufu Chirwa
Ximena Mateo Guadalupe Santiago Valentina Joaquín Itzel Emiliano|Hernández López Martínez Gutiérrez Cárdenas Peña Quispe Mamani
Leilani Sione Malia Tevita Aroha Wiremu Mele Rangi|Fonoti Tupou Kāne Ngata Tamihana Vea Latu Parata
"""
_NAMES = [tuple(part.split() for part in line.split("|")) for line in _ORIGINS.strip().splitlines()]
_PLAIN = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "ı": "i", "'": "", "æ": "ae"}
)


def pick_name(source: random.Random) -> tuple[str, str]:
    """Return a given and a family name; in one of six the two come from different places."""
    given, family = source.choice(_NAMES), source.choice(_NAMES)
    return source.choice(given[0]), source.choice((family if source.random() < 1 / 6 else given)[1])


def address_part(name: str) -> str:
    """Return a name as it stands in an e-mail address: lower case, no accents."""
    plain = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    return "".join(character for character in plain.lower() if character.isascii() and character.isalnum())
