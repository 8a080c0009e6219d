// Signing in with a provider of another site, and one's own account, in a real browser. Arguments: the console's address, a password, a folder
// for screenshots. Fails loudly.
"use strict";
const { chromium } = require("playwright-core");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const [base, password, shots] = process.argv.slice(2);
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const shot = async (page, name) => {
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`), [], name);
};

const main = async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
  const [complaints, visited] = [[], []];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.isNavigationRequest() && visited.push(new URL(request.url()).hostname));

  await page.goto(base);
  await shot(page, "sign-in-oidc");
  await page.getByRole("link", { name: "Đăng nhập bằng tài khoản cơ quan" }).click();
  // The first page after the provider has the session, though its cookie is SameSite=Strict and the provider another site.
  await page.waitForURL(`${base}/`);
  assert.ok(visited.includes("localhost"), `it went by way of the provider: ${visited}`);
  assert.match(await page.locator(".me").innerText(), /Nguyễn Thị Lan/);

  await page.goto(`${base}/account`);
  await shot(page, "account");
  await page.fill("#password", password);
  await page.locator('button[value="offer"]').click();
  await page.locator("svg.qr").waitFor();
  const box = await page.locator("svg.qr").boundingBox();
  assert.ok(box.width > 150 && Math.abs(box.width - box.height) < 2, JSON.stringify(box));
  await shot(page, "account-totp");
  assert.deepEqual(complaints, []);
  await browser.close();
};

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
