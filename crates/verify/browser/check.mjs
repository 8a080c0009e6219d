// Holds the program in the page against the native one, file by file of the frozen fixtures: `node check.mjs PAGE NATIVE FIXTURES`.
import { readFileSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import assert from "node:assert";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;

const [page, native, fixtures] = process.argv.slice(2);
const html = readFileSync(page, "utf8");
const wasi = readFileSync(new URL("./wasi.js", import.meta.url), "utf8");
assert(html.includes(wasi.trim()), "the page has this wasi.js in it");
const module = await WebAssembly.compile(Buffer.from(html.match(/atob\("([^"]+)"\)/)[1], "base64"));
const runWasi = new Function(wasi + "; return runWasi;")();

const record = "0193a5c2-7e1b-7c3d-9f00-00000000000a";
const verdicts = new Set();
const signatures = new Set();
const signed = ["holds", "altered"].map((name) => "receipts/signed/v1/" + name);
const cases = ["receipts/v1/export", ...signed, ...readdirSync(join(fixtures, "tampered")).sort().map((name) => "tampered/" + name)];
for (const one of cases.filter((name) => !name.endsWith(".md"))) {
  for (const revision of ["r0001", "r0002"]) {
    const folder = join(fixtures, one, "data", record, revision);
    let names;
    try {
      names = readdirSync(folder).sort();
    } catch {
      continue; // the case is that this revision is missing
    }
    const trust = join(fixtures, one, "trust.txt");
    const roots = join(fixtures, "receipts/signed/v1/roots.pem");
    const files = new Map(names.map((name) => ["f/" + name, new Uint8Array(readFileSync(join(folder, name)))]));
    files.set("trust.txt", new Uint8Array(readFileSync(trust)));
    files.set("roots.pem", new Uint8Array(readFileSync(roots)));
    const asked = ["--trust", "/trust.txt", "--roots", "/roots.pem", "--json", "--", ...names.map((name) => "/f/" + name)];
    const said = await runWasi(module, ["sohoa-verify", ...asked], files);
    let own = { status: 0, stdout: "" };
    try {
      own.stdout = execFileSync(native, ["--trust", trust, "--roots", roots, "--json", "--", ...names.map((name) => join(folder, name))], { encoding: "utf8" });
    } catch (error) {
      own = error;
    }
    const expected = own.stdout.replaceAll(folder + "/", "/f/");
    assert.deepEqual([said.code, said.out], [own.status, expected], `${one} ${revision}`);
    for (const line of said.out.split("\n").filter(Boolean).map((text) => JSON.parse(text))) {
      verdicts.add(line.verdict);
      (line.pdf_checks ?? []).forEach((check) => signatures.add(check.verdict));
    }
  }
}
assert(["ok", "altered", "bad_signature", "unknown_key", "malformed"].every((verdict) => verdicts.has(verdict)), [...verdicts].join());
assert(["valid", "altered_after_signing"].every((verdict) => signatures.has(verdict)), [...signatures].join());
console.log(`the page says what the program says: ${cases.length} cases, verdicts ${[...verdicts].sort().join(", ")}; ${html.length} bytes`);
