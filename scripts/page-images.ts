/**
 * `npm run docs:images`: takes the pictures of the monitor's page that docs/ shows, of a fixture whose numbers move. Not part of
 * `npm run docs`: two runs are never the same bytes.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium as playwright } from "playwright-core";
import { PageHost } from "../test/monitor/page-host";
import { chromium } from "../test/support/chromium";
import { buildMonitor } from "./build-monitor";

const IMAGES = [
  { name: "monitor-light", width: 1240, height: 1000, colorScheme: "light", from: "top" },
  { name: "monitor-dark", width: 1240, height: 900, colorScheme: "dark", from: "plots" },
  { name: "monitor-phone", width: 360, height: 740, colorScheme: "light", from: "top" },
] as const;

/** Runs in the page. */
const TO_THE_PLOTS =
  'scrollTo(0, document.querySelector("#plots-title").getBoundingClientRect().top + scrollY - 12)';

const target = process.argv[2] ?? join(import.meta.dirname, "..", "docs", "images");
mkdirSync(target, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "airm-page-"));
const host = new PageHost(await buildMonitor(folder));
const { program, environment } = await chromium();
const browser = await playwright.launch({
  executablePath: program,
  args: ["--no-sandbox"],
  env: { ...process.env, ...environment },
});
try {
  host.writeHistory();
  host.writeManager();
  host.fillService();
  await host.start();
  await sleep(2500);
  for (const { name, width, height, colorScheme, from } of IMAGES) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
    await page.goto(`${host.url}#24h`);
    await page.locator(".plot canvas").first().waitFor();
    await sleep(1200);
    if (from === "plots") await page.evaluate(TO_THE_PLOTS);
    await page.screenshot({ path: join(target, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  await host.dispose();
  rmSync(folder, { recursive: true, force: true });
}
