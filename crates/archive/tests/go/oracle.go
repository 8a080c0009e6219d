// An outside judge of our log: Go's sumdb packages, which the C2SP specifications grew from, read what we wrote.
//
//	oracle VKEY log FOLDER [OLDER-CHECKPOINT…]   checkpoint, every tile and entry, inclusion, consistency from each older checkpoint
//	oracle VKEY proof FILE ENTRY-FILE            a .tlog-proof
//
// Run with GO111MODULE=off GOPATH=/usr/share/gocode (Debian: golang-go, golang-golang-x-mod-dev). It prints "ok" and what it saw, or
// ends with an error.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads tiles of height 8 from a folder: C2SP leaves the height out of the path.
type tiles struct {
	folder string
	seen   map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range asked {
		data, here := t.seen[tile]
		if !here {
			var err error
			data, err = os.ReadFile(filepath.Join(t.folder, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
			if err != nil {
				return nil, err
			}
		}
		all = append(all, data)
	}
	return all, nil
}

// SaveTiles is told of tiles that were found to belong to the tree.
func (t *tiles) SaveTiles(found []tlog.Tile, data [][]byte) {
	for i, tile := range found {
		t.seen[tile] = data[i]
	}
}

func must(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

// open verifies a checkpoint and gives its tree.
func open(signed []byte, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err, "vkey")
	n, err := note.Open(signed, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("checkpoint: not origin, size and root: %q", n.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return tlog.Tree{N: size, Hash: root}
}

func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		path := tlog.Tile{H: 8, L: -1, N: n, W: int(width)}.Path()
		data, err := os.ReadFile(filepath.Join(folder, strings.Replace(path, "tile/8/data/", "tile/entries/", 1)))
		must(err, "bundle")
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	if int64(len(all)) != size {
		log.Fatalf("bundles: %d entries, the checkpoint has %d", len(all), size)
	}
	return all
}

func checkLog(folder, vkey string, older []string) {
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err, "checkpoint")
	tree := open(signed, vkey)
	reader := &tiles{folder, map[tlog.Tile][]byte{}}
	hashes := tlog.TileHashReader(tree, reader)
	all := entries(folder, tree.N)
	proved := 0
	for i, entry := range all {
		index := int64(i)
		if tree.N > 600 && i%797 != 0 && i%256 != 255 && index != tree.N-1 {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		must(err, fmt.Sprintf("inclusion of %d", i))
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), fmt.Sprintf("inclusion of %d", i))
		proved++
	}
	for _, name := range older {
		signed, err := os.ReadFile(name)
		must(err, name)
		old := open(signed, vkey)
		if old.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		must(err, name)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), name)
	}
	fmt.Printf("ok %d leaves, %d proved, consistent with %d older, root %v\n", tree.N, proved, len(older), tree.Hash)
}

func checkProof(file, entryFile, vkey string) {
	data, err := os.ReadFile(file)
	must(err, file)
	entry, err := os.ReadFile(entryFile)
	must(err, entryFile)
	at := bytes.Index(data, []byte("\n\n"))
	lines := strings.Split(string(data[:at]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		log.Fatalf("%s: not a tlog-proof", file)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err, "index")
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		must(err, "hash")
		var hash tlog.Hash
		copy(hash[:], raw)
		proof = append(proof, hash)
	}
	tree := open(data[at+2:], vkey)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), "inclusion")
	fmt.Printf("ok leaf %d of %d\n", index, tree.N)
}

func main() {
	log.SetFlags(0)
	switch args := os.Args[1:]; {
	case len(args) >= 3 && args[1] == "log":
		checkLog(args[2], args[0], args[3:])
	case len(args) == 4 && args[1] == "proof":
		checkProof(args[2], args[3], args[0])
	default:
		log.Fatal("usage: oracle VKEY log FOLDER [OLDER…] | oracle VKEY proof FILE ENTRY-FILE")
	}
}
