// Opens a page in Chromium and prints, as JSON, every fault that is found: node look.cjs PAGE CHROMIUM [FOLDER FOR PICTURES]
"use strict";
const { chromium } = require("playwright-core");
const { HtmlValidate } = require("html-validate");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const [page, executablePath, pictures] = process.argv.slice(2);
const RULES = { extends: ["html-validate:recommended"], rules: { "long-title": "off", "no-inline-style": "error" } };

async function main() {
  const faults = [], told = {};
  const address = pathToFileURL(page).href;
  const report = await new HtmlValidate(RULES).validateString(fs.readFileSync(page, "utf8"));
  for (const result of report.results) {
    for (const message of result.messages) faults.push(`html-validate: ${message.line}: ${message.ruleId}: ${message.message}`);
  }
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const where = `${width} px, ${colorScheme}`;
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: false });
      const tab = await context.newPage();
      tab.on("console", (message) => faults.push(`${where}: console: ${message.text()}`));
      tab.on("pageerror", (error) => faults.push(`${where}: error: ${error.message}`));
      tab.on("request", (request) => {
        if (request.url() !== address && !/^(blob|data):/.test(request.url())) faults.push(`${where}: asks for ${request.url()}`);
      });
      await tab.goto(address);
      await tab.waitForTimeout(500);
      if (await tab.$("#player")) {
        for (const key of ["o", "i", "b", "ArrowRight", "ArrowLeft"]) await tab.keyboard.press(key);
        const before = await tab.textContent("#clock");
        await tab.keyboard.press(" ");
        await tab.waitForTimeout(900);
        await tab.keyboard.press(" ");
        const after = await tab.textContent("#clock");
        if (before === after) faults.push(`${where}: nothing plays: ${before}`);
        told.sound = await tab.isHidden("#no-sound");
        told.said = await tab.locator("#transcript li").count();
        if (await tab.isEnabled("input[value=a]")) await tab.locator("input[value=a]").check();
        for (const place of (await tab.locator("#choice option").all()).keys()) {
          if (await tab.isVisible("#choice")) await tab.selectOption("#choice", String(place));
        }
      }
      for (let stop = 0; stop < 40; stop++) {
        await tab.keyboard.press("Tab");
        if (await tab.evaluate(() => document.activeElement.closest("[aria-hidden=true]") !== null)) faults.push(`${where}: the tab key stops at what readers do not see`);
      }
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${where}: is ${wide} px wide`);
      if (pictures) await tab.screenshot({ path: path.join(pictures, `${width}-${colorScheme}.png`), fullPage: true });
      // The content security policy of the page lets no foreign script in: axe-core looks at a copy that is opened without it.
      const free = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      const copy = await free.newPage();
      await copy.goto(address);
      await copy.waitForTimeout(500);
      await copy.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
      await copy.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
      const found = await copy.evaluate(() => window.axe.run());
      for (const fault of found.violations) faults.push(`${where}: axe: ${fault.id}: ${fault.nodes.map((node) => node.target).join(", ")}`);
      await free.close();
      await context.close();
    }
  }
  await browser.close();
  console.log(JSON.stringify({ faults, told }));
}

main().catch((error) => { console.error(error); process.exit(1); });
