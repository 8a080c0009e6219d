// An outside judge of our witness and of what it cosigns: a log that is written with Go's sumdb packages, which the C2SP specifications
// grew from, and asks our witness over HTTP as tlog-witness says.
//
//	witness key FILE NAME                    makes a log's key in FILE; prints its vkey
//	witness ask FILE URL WITNESS-VKEY        has a log of FILE's key witnessed at URL: cosigned, stale, refused
//	witness open CHECKPOINT LOG-VKEY WITNESS-VKEY…   verifies every signature of a checkpoint
//
// Run with GO111MODULE=off GOPATH=/usr/share/gocode (Debian: golang-go, golang-golang-x-mod-dev). It prints "ok" and what it saw, or
// ends with an error.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// cosigner verifies cosignatures of type 0x04 (tlog-cosignature), which Go's note does not know by itself.
type cosigner struct {
	name string
	key  []byte
	time uint64
}

func newCosigner(vkey string) *cosigner {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	must(err, "vkey")
	if len(raw) != 33 || raw[0] != 4 {
		log.Fatalf("vkey: not an Ed25519 cosigner: %s", vkey)
	}
	c := &cosigner{parts[0], raw[1:], 0}
	if fmt.Sprintf("%08x", c.KeyHash()) != parts[1] {
		log.Fatalf("vkey: its identifier is %s, its key has %08x", parts[1], c.KeyHash())
	}
	return c
}

func (c *cosigner) Name() string { return c.name }

func (c *cosigner) KeyHash() uint32 {
	digest := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.key...))
	return binary.BigEndian.Uint32(digest[:])
}

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 72 {
		return false
	}
	c.time = binary.BigEndian.Uint64(signature)
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", c.time, text)
	return ed25519.Verify(c.key, []byte(signed), signature[8:])
}

// hashes of a log that is kept in memory.
type hashes []tlog.Hash

func (h hashes) ReadHashes(asked []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, index := range asked {
		all = append(all, h[index])
	}
	return all, nil
}

func build(size int, word string) hashes {
	var stored hashes
	for i := 0; i < size; i++ {
		more, err := tlog.StoredHashes(int64(i), []byte(fmt.Sprintf("%s %d", word, i)), stored)
		must(err, "leaf")
		stored = append(stored, more...)
	}
	return stored
}

func must(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

type asker struct {
	signer note.Signer
	url    string
}

func (a asker) checkpoint(stored hashes, size int64) []byte {
	root := tlog.Hash(sha256.Sum256(nil)) // Go has zeros for the empty tree, RFC 6962 the hash of nothing
	if size > 0 {
		var err error
		root, err = tlog.TreeHash(size, stored)
		must(err, "root")
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", a.signer.Name(), size, root)
	signed, err := note.Sign(&note.Note{Text: text}, a.signer)
	must(err, "sign")
	return signed
}

func (a asker) body(stored hashes, old, size int64) []byte {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	if old > 0 && old < size {
		proof, err := tlog.ProveTree(size, old, stored)
		must(err, "proof")
		for _, hash := range proof {
			fmt.Fprintf(&body, "%s\n", hash)
		}
	}
	body.WriteString("\n")
	body.Write(a.checkpoint(stored, size))
	return body.Bytes()
}

func (a asker) post(body []byte, wanted int) (string, string) {
	response, err := http.Post(a.url+"/add-checkpoint", "text/plain", bytes.NewReader(body))
	must(err, "post")
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(err, "answer")
	if response.StatusCode != wanted {
		log.Fatalf("%d was expected and %d came: %s\nrequest: %s", wanted, response.StatusCode, text, body)
	}
	return string(text), response.Header.Get("Content-Type")
}

func ask(file, url, vkey string) {
	skey, err := os.ReadFile(file)
	must(err, file)
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	must(err, "skey")
	a, witness := asker{signer, url}, newCosigner(vkey)
	stored, forked := build(600, "leaf"), build(600, "another leaf")
	old, cosigned := int64(0), 0
	for _, size := range []int64{0, 1, 2, 3, 7, 8, 9, 255, 256, 257, 257, 600} {
		answer, _ := a.post(a.body(stored, old, size), 200)
		opened, err := note.Open(append(a.checkpoint(stored, size), answer...), note.VerifierList(witness))
		must(err, "cosignature")
		if age := time.Now().Unix() - int64(witness.time); age < -5 || age > 60 {
			log.Fatalf("the cosignature is %d seconds old", age)
		}
		// What monitors get is the same checkpoint, by the log and the witness.
		response, err := http.Get(fmt.Sprintf("%s/%x/checkpoint", url, sha256.Sum256([]byte(signer.Name()))))
		must(err, "get")
		served, err := io.ReadAll(response.Body)
		must(err, "get")
		again, err := note.Open(served, note.VerifierList(witness))
		must(err, "served checkpoint")
		if again.Text != opened.Text || !bytes.Contains(served, []byte(answer)) {
			log.Fatalf("another checkpoint is served: %s", served)
		}
		old, cosigned = size, cosigned+1
	}
	if size, kind := a.post(a.body(stored, 256, 600), 409); size != "600\n" || kind != "text/x.tlog.size" {
		log.Fatalf("409 came with %q as %q", size, kind)
	}
	a.post(a.body(forked, 600, 600), 422)
	a.post(append([]byte("old 600\n"+tlog.RecordHash(nil).String()+"\n\n"), a.checkpoint(stored, 600)...), 422)
	a.post(append([]byte("old 601\n\n"), a.checkpoint(stored, 600)...), 400)
	a.post([]byte("old 600\n"), 400)
	forged := bytes.Replace(a.body(stored, 600, 600), []byte("\n600\n"), []byte("\n599\n"), 1)
	a.post(bytes.Replace(forged, []byte("old 600"), []byte("old 599"), 1), 403)
	unknownKey, _, err := note.GenerateKey(rand.Reader, "unknown.example/log")
	must(err, "key")
	unknown, err := note.NewSigner(unknownKey)
	must(err, "skey")
	b := asker{unknown, url}
	b.post(b.body(stored, 0, 5), 404)
	fmt.Printf("ok %d cosigned, stale and false ones refused\n", cosigned)
}

func open(file string, vkeys []string) {
	signed, err := os.ReadFile(file)
	must(err, file)
	logKey, err := note.NewVerifier(vkeys[0])
	must(err, "vkey")
	verifiers := []note.Verifier{logKey}
	for _, vkey := range vkeys[1:] {
		verifiers = append(verifiers, newCosigner(vkey))
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	must(err, "checkpoint")
	if len(opened.Sigs) != len(verifiers) || len(opened.UnverifiedSigs) != 0 {
		log.Fatalf("%d of %d signatures verify, %d are unknown", len(opened.Sigs), len(verifiers), len(opened.UnverifiedSigs))
	}
	fmt.Printf("ok %d signatures\n", len(opened.Sigs))
}

func main() {
	log.SetFlags(0)
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "key":
		skey, vkey, err := note.GenerateKey(rand.Reader, args[2])
		must(err, "key")
		must(os.WriteFile(args[1], []byte(skey), 0o600), args[1])
		fmt.Println(vkey)
	case len(args) == 4 && args[0] == "ask":
		ask(args[1], args[2], args[3])
	case len(args) >= 3 && args[0] == "open":
		open(args[1], args[2:])
	default:
		log.Fatal("usage: witness key FILE NAME | witness ask FILE URL WITNESS-VKEY | witness open CHECKPOINT LOG-VKEY WITNESS-VKEY…")
	}
}
