// Puts program and system calls into the page, so that it is one file: `node assemble.mjs WASM PAGE`.
import { readFileSync, writeFileSync } from "node:fs";

const [wasm, page] = process.argv.slice(2);
const own = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const module = readFileSync(wasm);
const html = own("./page.html").replace("/*WASI*/", () => own("./wasi.js")).replace("/*WASM*/", () => module.toString("base64"));
writeFileSync(page, html);
console.log(`${page}: ${html.length} bytes, of which the program ${module.length}`);
