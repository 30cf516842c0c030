// Checks what Holdfast wrote with other people's code: golang.org/x/mod/sumdb/note and tlog, as Debian packages them.
//
// Reads a list of cases as JSON and writes one line for each: "ok", or why not.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Key, Checkpoint, Origin string
	Index                   int64
	Entry                   []byte
	Inclusion               tlog.RecordProof
	OldSize                 int64
	OldRoot                 tlog.Hash
	Consistency             tlog.TreeProof
	Folder                  string // where tiles are, below tile/; empty where they are not checked
}

// folder reads tiles where c2sp.org/tlog-tiles puts them: as tlog does, but without the height in the path.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func open(c testCase) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open([]byte(c.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != c.Origin {
		return tree, errors.New("not a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

func same(ours, theirs []tlog.Hash) error {
	if len(ours) != len(theirs) {
		return errors.New("another proof than from the tiles")
	}
	for at := range ours {
		if ours[at] != theirs[at] {
			return errors.New("another proof than from the tiles")
		}
	}
	return nil
}

func check(c testCase) error {
	tree, err := open(c)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(c.Inclusion, tree.N, tree.Hash, c.Index, tlog.RecordHash(c.Entry)); err != nil {
		return err
	}
	if err := tlog.CheckTree(c.Consistency, tree.N, tree.Hash, c.OldSize, c.OldRoot); err != nil {
		return err
	}
	if c.Folder == "" {
		return nil
	}
	reader := tlog.TileHashReader(tree, folder(c.Folder))
	record, err := tlog.ProveRecord(tree.N, c.Index, reader)
	if err != nil {
		return err
	}
	if err := same(c.Inclusion, record); err != nil {
		return err
	}
	older, err := tlog.ProveTree(tree.N, c.OldSize, reader)
	if err != nil {
		return err
	}
	return same(c.Consistency, older)
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, c := range cases {
		if err := check(c); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
}
