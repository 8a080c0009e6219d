// A person at the console, in a real browser. Arguments: the console's address, a station's token, a scan, a folder for screenshots, and
// people as JSON: {"reviewer": ["login", "password"], "statistician": …}, a paper with a personal number, and that number, and a watched
// folder where a file lies that is no scan. Prints what was seen as JSON lines; fails loudly.
"use strict";
const { chromium } = require("playwright-core");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const [base, token, scan, shots, peopleJson, personal, number, inbox] = process.argv.slice(2);
const people = JSON.parse(peopleJson);
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const told = (what) => console.log(JSON.stringify(what));

// What axe finds that keeps people out: serious and critical, WCAG 2.1 A and AA.
const accessible = async (page, name) => {
  // The page's own policy lets no script in; a driver's world is its own.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`), [], name);
};
const shot = async (page, name) => {
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wider <= 0, `${name} is ${wider} px wider than its window`);
  await accessible(page, name);
};

const main = async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, acceptDownloads: true });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  // Does something that leads to another page, and waits until that is there.
  const to = async (act) => {
    const there = page.waitForEvent("framenavigated");
    await act();
    await there;
    await page.waitForLoadState();
  };
  const enter = () => page.keyboard.press("Enter");
  const signIn = async (login, password) => {
    await page.fill("#login", login);
    await page.fill("#password", password);
    await to(enter);
  };

  // Nobody comes in without signing in, nor with a wrong password.
  await page.goto(base);
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  await shot(page, "sign-in");
  await signIn(people.reviewer[0], "sai mật khẩu rồi");
  assert.ok(await page.locator(".problem").isVisible());
  await signIn(...people.reviewer);
  assert.equal(new URL(page.url()).pathname, "/account", "a password that somebody else knows is changed first");
  await page.goto(`${base}/search`);
  assert.equal(new URL(page.url()).pathname, "/account", "and nothing is seen before");
  await page.fill("#old", people.reviewer[1]);
  await page.fill("#new", "mật khẩu riêng của tôi");
  await page.fill("#again", "mật khẩu riêng của tôi");
  await to(enter);
  assert.equal(page.url(), `${base}/`);

  // Pushes bytes and waits for their outcome.
  const push = async (name, bytes) => {
    const before = Date.now();
    const headers = { authorization: `Bearer ${token}` };
    const where = `${base}/v1/documents?name=${encodeURIComponent(name)}&dossier=H48.15-250117-0042`;
    const pushed = await fetch(where, { method: "POST", headers, body: bytes });
    assert.equal(pushed.status, 202, await pushed.clone().text());
    const { record } = await pushed.json();
    let outcome;
    do {
      await new Promise((resolve) => setTimeout(resolve, 50));
      outcome = (await (await fetch(`${base}/v1/documents/${record}`, { headers })).json()).state;
      assert.ok(Date.now() - before < 120000, "it is done in time");
    } while (["queued", "working"].includes(outcome));
    return { record, outcome };
  };

  // A scan that is pushed appears by itself.
  const { record, outcome } = await push("quyết định.png", fs.readFileSync(scan));
  const done = Date.now();
  await page.locator(`a[href="/records/${record}"]`).waitFor({ timeout: 10000 });
  const shown_after_ms = Date.now() - done;
  told({ shown_after_ms });
  assert.ok(shown_after_ms <= 2000, `it was seen ${shown_after_ms} ms after its outcome`);
  assert.equal(outcome, "review");
  await shot(page, "today");

  // Reviewed by keyboard only.
  await page.goto(`${base}/review`);
  await page.waitForURL(`${base}/review/${record}`);
  assert.equal(await page.evaluate(() => document.activeElement.closest(".field").classList.contains("doubt")), true);
  await page.waitForFunction(() => [...document.querySelectorAll(".crop:not([hidden])")].every((image) => image.complete && image.naturalWidth > 0));
  await page.waitForTimeout(300);
  await shot(page, "review");
  const answers = { code_number: "51", issued_date: "17/01/2025", signer_name: "Trần Văn Thử" };
  const fillIn = async () => {
    const count = await page.locator(".field.doubt").count();
    assert.ok(count > 0);
    for (let at = 0; at < count; at += 1) {
      const [name, value] = await page.evaluate(() => [document.activeElement.closest(".field").dataset.field, document.activeElement.value]);
      if (value === "" || name in answers) await page.keyboard.insertText(answers[name] ?? "Không rõ");
      if (at + 1 < count) await page.keyboard.press("ArrowDown");
    }
  };
  await fillIn();
  const decided = Date.now();
  await to(enter);
  assert.match(page.url(), /\/review\?after=/, await page.locator(".problem").allInnerTexts().then(String));
  told({ decided_after_ms: Date.now() - decided });
  await shot(page, "review-done");

  // A mistake is told and what was typed stays; sent back by keyboard, it is not accepted.
  const second = await push("bản khác.png", Buffer.concat([fs.readFileSync(scan), Buffer.from("\n")]));
  await page.goto(`${base}/review/${second.record}`);
  await page.fill("#f-code_number", "9");
  await page.fill("#f-issued_date", "31/02/2025");
  await to(enter);
  assert.ok(await page.locator(".problem").isVisible());
  assert.equal(await page.inputValue("#f-code_number"), "9");
  assert.ok(await page.locator('.field.changed[data-field="code_number"]').isVisible(), "it is still a change");
  await page.keyboard.press("F8");
  await page.keyboard.insertText("ảnh mờ, quét lại");
  await to(enter);
  await page.goto(`${base}/records/${second.record}`);
  assert.ok(await page.locator(".state.bad").first().isVisible(), "it is sent back");

  // One after the other, each by Enter; a second browser of another reviewer is led past the paper that somebody has before them.
  for (const more of [2, 3, 4, 5]) await push(`bản ${more}.png`, Buffer.concat([fs.readFileSync(scan), Buffer.from("\n".repeat(more))]));
  await page.goto(`${base}/review`);
  const mine = page.url();
  const elsewhere = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  const other = await elsewhere.newPage();
  await other.goto(`${base}/review`);
  await other.fill("#login", people.second_reviewer[0]);
  await other.fill("#password", people.second_reviewer[1]);
  await Promise.all([other.waitForURL(/\/review\/./), other.press("#password", "Enter")]);
  assert.notEqual(other.url(), mine, "two people do not begin with the same paper");
  await other.goto(mine);
  await other.locator(".notice").first().waitFor();
  const took = [];
  while (/\/review\/./.test(page.url())) {
    await fillIn();
    const began = Date.now();
    await to(enter);
    took.push(Date.now() - began);
  }
  told({ next_after_ms: took });
  assert.match(page.url(), /\/review\?after=/);
  assert.equal(took.length, 3, "all but the one that the other has before them");
  // The other one has the paper as it was, and decides too late: told, and nothing of the first decision is lost.
  const late = other.waitForEvent("framenavigated");
  await other.keyboard.press("Enter");
  await late;
  await other.locator(".problem, .notice").first().waitFor();

  // The second round: another person sees what was decided, and is right about it by keyboard too.
  await other.goto(`${base}/second-round`);
  await other.waitForURL(/\/second-round\/./);
  assert.match(await other.locator(".notice").first().innerText(), new RegExp(people.reviewer[2]));
  await shot(other, "second-round");
  const again = other.url();
  await Promise.all([other.waitForEvent("framenavigated"), other.keyboard.press("Enter")]);
  await other.waitForLoadState();
  assert.notEqual(other.url(), again, await other.locator(".problem").allInnerTexts().then(String));
  await elsewhere.close();

  // Found, shown, taken away.
  await page.goto(`${base}/search`);
  await page.fill("#q", "quyet dinh");
  await to(enter);
  await page.locator(`a[href="/records/${record}"]`).waitFor();
  await shot(page, "search");
  await to(() => page.click(`a[href="/records/${record}"]`));
  await page.locator("dl.facts").first().waitFor();
  assert.ok(await page.locator(".state.ok").first().isVisible(), "it is sealed");
  assert.match(await page.locator("h2", { hasText: "Lịch sử" }).locator("xpath=..").innerText(), new RegExp(people.reviewer[2]));
  await page.waitForFunction(() => [...document.querySelectorAll(".sheet img")].every((image) => image.complete && image.naturalWidth > 0));
  const proof = () => page.locator("dl.facts").nth(1).innerText();
  const asked = Date.now();
  while ((await proof()).includes("chưa vào nhật ký")) {
    assert.ok(Date.now() - asked < 30000, "it comes into the log");
    await page.waitForTimeout(500);
    await page.reload();
  }
  assert.match(await proof(), /Trong nhật ký ở\s+\d+ .* · 0 cơ quan làm chứng/);
  // The PDF in place, in the browser's own viewer; then the picture is of pages.
  await page.click(".pdf summary");
  await page.waitForFunction(() => performance.getEntriesByType("resource").some((entry) => entry.name.endsWith("/searchable.pdf")));
  await page.waitForTimeout(1500);
  await page.screenshot({ path: path.join(shots, "record-pdf.png") });
  await page.click(".pdf summary");
  await shot(page, "record");
  const download = async (href, to) => {
    const waiting = page.waitForEvent("download");
    await page.evaluate((href) => { const a = document.createElement("a"); a.href = href; a.download = ""; document.body.append(a); a.click(); }, href);
    await (await waiting).saveAs(path.join(shots, to));
  };
  await download(`/records/${record}/proof.zip`, "proof.zip");
  await download(`/records/${record}/searchable.pdf`, "searchable.pdf");

  // English by switch; the figures; a small window and large letters.
  await page.goto(`${base}/targets`);
  const figure = await page.locator(".tiles .card").first().locator("a").first();
  const count = Number(await figure.innerText());
  await to(() => figure.click());
  assert.match(await page.locator("main").innerText(), new RegExp(`Kết quả được tính: ${count}\\b`), "a number opens its list");
  await page.goto(`${base}/targets`);
  await to(() => page.locator(".tiles .card").first().locator("a").nth(1).click());
  const rows = await page.locator("tbody tr").allInnerTexts();
  assert.match(await page.locator("main").innerText(), new RegExp(`Tất cả kết quả: ${rows.length}\\b`));
  assert.ok(rows.length > 0 && rows.every((row) => /GP-UBND/.test(row) && /chưa có bản số hóa/.test(row)), rows.join("; "));
  await shot(page, "target-list");
  assert.equal((await page.goto(`${base}/targets/list?year=2025&indicator=digitized&of=nobody`)).status(), 404);
  await page.goto(`${base}/targets`);
  const road = page.locator("svg.roads[role=img]").first();
  assert.match(await road.getAttribute("aria-label"), /2022: 0 % \(Chỉ tiêu \d+ %\).*2025: 0 %/, "each year beside its target");
  await shot(page, "targets");
  await to(() => page.click('a[href="/language/en"]'));
  assert.equal(page.url(), `${base}/targets`);
  assert.match(await page.locator("h1").innerText(), /Targets/);
  await page.setViewportSize({ width: 683, height: 384 }); // 1366 × 768 at 200 %
  const places = [["today", "/"], ["search", "/search?q=quyet"], ["record", `/records/${record}`], ["targets", "/targets"], ["review", `/review/${record}`], ["account", "/account"]];
  for (const [name, where] of places) {
    await page.goto(base + where);
    await page.waitForTimeout(200);
    await shot(page, `${name}-200-percent`);
  }
  await page.setViewportSize({ width: 1366, height: 768 });
  await to(() => page.click('a[href="/language/vi"]'));

  // What is not this role's; a form that was not made for this session; a session that is lost.
  for (const where of ["/system", "/batches", "/second-round"]) {
    const answer = await page.goto(base + where);
    assert.equal(answer.status(), 403, where);
  }
  await shot(page, "not-allowed");
  const forged = await page.request.post(`${base}/review/${record}`, { form: { csrf: "x", seen: "1", do: "reject", note: "" } });
  assert.equal(forged.status(), 403);
  assert.equal((await page.goto(`${base}/records/00000000-0000-7000-8000-000000000000`)).status(), 404);
  assert.equal((await page.goto(`${base}/khong-co`)).status(), 404);
  assert.match(await page.locator("main").innerText(), /[Kk]hông (có|tìm)/, "a page says so, not a program");
  // So is a place that takes forms only, as a browser asks for it that is opened again.
  for (const where of ["/batches/pause", "/system/stations", "/v1/khong-co"]) {
    assert.ok([404, 405].includes((await page.goto(base + where)).status()), where);
    assert.equal(await page.locator('main a[href="/"]').count(), 1, `${where} leads home`);
  }
  await context.clearCookies();
  await page.goto(`${base}/records/${record}`);
  assert.equal(new URL(page.url()).pathname, "/sign-in", "a lost session begins at the door");

  const asRole = async (role) => {
    await context.clearCookies();
    await page.goto(`${base}/sign-in`);
    await signIn(people[role][0], people[role][1]);
  };
  await asRole("statistician");
  assert.equal(new URL(page.url()).pathname, "/targets", "figures are all that a statistician sees");
  for (const where of [`/records/${record}`, "/search", "/live/today", "/review", `/records/${record}/searchable.pdf`]) {
    assert.equal((await page.goto(base + where)).status(), 403, where);
  }
  await asRole("operator");
  await page.goto(`${base}/batches`);
  await shot(page, "batches");
  await page.setViewportSize({ width: 683, height: 384 });
  await shot(page, "batches-200-percent");
  await page.setViewportSize({ width: 1366, height: 768 });
  // Search with its filters and pages; a personal number is whole nowhere.
  const birth = await push("khai sinh.pdf", fs.readFileSync(personal));
  for (const where of ["/search?kind=giay khai sinh", `/search?q=khai sinh&unit=H48&state=${birth.outcome}`, `/records/${birth.record}`]) {
    await page.goto(base + where);
    await page.locator(`a[href="/records/${birth.record}"], h1`).first().waitFor();
    const text = (await page.content()).replace(/[\s.]/g, "");
    assert.ok(!text.includes(number), `${where} shows a personal number to an operator`);
  }
  await page.goto(`${base}/search?q=${number}`);
  assert.equal(await page.locator("tbody tr").count(), 0, "nor is a person found by it");
  assert.equal((await page.goto(`${base}/search?state=moi`)).status(), 404);
  assert.equal((await page.goto(`${base}/records/${record}/proof.zip`)).status(), 403, "an operator takes nothing away");
  await page.goto(`${base}/batches`);
  await to(() => page.click('form[action="/batches/pause"] button'));
  // Who paused it, what folders hold and what was there already, in a small window: nothing is off to the side.
  fs.copyFileSync(scan, path.join(inbox, `Bản quét đã gửi một lần rồi, có tên rất dài${path.extname(scan)}`));
  await page.setViewportSize({ width: 420, height: 800 });
  await page.goto(base);
  await page.locator("#twins").waitFor({ timeout: 30000 });
  await page.locator("#held").waitFor({ timeout: 90000 });
  assert.match(await page.locator(".notice").first().innerText(), /Tạm dừng bởi Người Quét · từ \d\d\/\d\d\/\d{4}/);
  for (const list of ["#held", "#twins"]) {
    const heading = await page.locator(`${list} h2 .state`).boundingBox();
    assert.ok(heading.height > 10 && heading.width > 100, `${list} says what it lists`);
    const hidden = await page.locator(`${list} .wide`).evaluate((wide) => wide.scrollWidth - wide.clientWidth);
    assert.ok(hidden <= 0, `${list} hides ${hidden} px at its side`);
  }
  await shot(page, "today-420");
  await page.setViewportSize({ width: 1366, height: 768 });
  await shot(page, "today-folders");
  await page.goto(`${base}/batches`);
  await to(() => page.click('form[action="/batches/go-on"] button'));
  await page.locator('form[action="/batches/pause"] button').waitFor();
  await asRole("administrator");
  await page.goto(`${base}/system`);
  await page.fill("#station", "tram-moi");
  await to(() => page.click("text=Thêm trạm"));
  assert.match(await page.locator(".secret code").innerText(), /^sohoa_/);
  await page.goto(`${base}/system`);
  assert.equal(await page.locator(".secret").count(), 0, "a secret is shown once");
  // A station may have limits of its own.
  const limited = page.locator("tr", { hasText: "tram-moi" });
  await limited.locator("summary").click();
  await limited.locator('input[name="per_minute"]').fill("60");
  await to(() => limited.locator('form[action="/system/stations/limit"] button').click());
  assert.match(await limited.innerText(), /\s60\s+2\.048 \(theo cấu hình\)/);
  assert.match(await page.locator(".facts").innerText(), /Kiểm tra kho gần nhất\s+\d\d\/\d\d\/\d{4}.* · 0 lỗi/);
  const stages = await page.locator("section", { hasText: "Các bước xử lý" }).locator("tbody tr").allInnerTexts();
  assert.equal(stages.length, 9, stages.join("; "));
  assert.ok(stages.some((row) => /^Nhận dạng chữ\s+[1-9]/.test(row)), stages.join("; "));
  await page.fill("#station", "trạm có dấu");
  await to(() => page.click("text=Thêm trạm"));
  assert.match(await page.locator(".problem").innerText(), /Tên trạm gồm/, "what is wrong is said in Vietnamese");
  await page.goto(`${base}/system`);
  await shot(page, "system");
  await page.setViewportSize({ width: 683, height: 384 });
  await shot(page, "system-200-percent");
  await page.setViewportSize({ width: 1366, height: 768 });

  // A person who was disabled is out at once.
  await page.fill("#p-login", "nguoi-tam");
  await page.fill("#p-name", "Người Tạm");
  await page.selectOption("#p-role", "operator");
  await to(() => page.click("text=Thêm người dùng"));
  assert.ok((await page.locator(".secret code").innerText()).length >= 12);
  const row = page.locator("tr", { hasText: "nguoi-tam" });
  await row.locator("summary").click();
  await row.locator("select").selectOption("auditor");
  await row.locator('input[name="unit"]').fill("H48.16");
  await to(() => row.locator('button[value="role"]').click());
  assert.match(await page.locator("tr", { hasText: "nguoi-tam" }).innerText(), /Người thanh tra\s+H48\.16/);
  await page.goto(`${base}/access?what=administer&login=${people.administrator[0]}`);
  assert.match(await page.locator("tbody tr").first().innerText(), /đổi vai trò của nguoi-tam/);
  assert.ok((await page.locator("tbody tr").allInnerTexts()).every((line) => line.includes(people.administrator[0])));
  await shot(page, "access");
  await page.goto(`${base}/access?record=51`);
  assert.match(await page.locator(".problem").innerText(), /Không hiểu: 51/);

  // Refused pages are told to the browser's console too; nothing else may be there, above all nothing that the policy held back.
  const others = complaints.filter((text) => !/status of (403|404|405|422)/.test(text));
  assert.deepEqual(others, []);
  await browser.close();
};
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
