import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, type BrowserContextOptions, chromium as playwright, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildMonitor } from "../../scripts/build-monitor";
import { chromium } from "../support/chromium";
import { hasApt } from "../support/debian-programs";
import { PageHost } from "./page-host";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DESKTOP = { width: 1240, height: 900 };
const PHONE = { width: 360, height: 740 };

/** Runs in the page; what does not fit the screen, but for tables that scroll by themselves. */
const WIDER_THAN_SCREEN = `
  [...document.querySelectorAll("html, body *")]
    .filter((element) => element.closest(".table") === null && element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120))`;
const OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true;";
/** Label, value, and what a screen reader is told of each bar of the host. */
const BARS = `
  [...document.querySelectorAll("#bars .bar")].map((bar) => [
    bar.querySelector(".bar-label").textContent,
    bar.querySelector(".bar-value").textContent,
    bar.querySelector("[role=meter]")?.getAttribute("aria-valuenow") ?? null,
  ])`;
/** The text of what has the focus, and how its outline is drawn. */
const FOCUSED =
  "`${document.activeElement.textContent.trim()} ${getComputedStyle(document.activeElement).outlineStyle}`";
/** How many pixels of the plot of memory are not empty. */
const PAINTED = `(() => {
  const canvas = document.querySelector("[aria-label^='Memory, '] canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, index) => index % 4 === 3 && value !== 0).length;
})()`;

interface Metrics {
  readonly memory: { readonly usedRatio: number };
  readonly cpu: { readonly usedRatio: number };
  readonly swap: { readonly usedRatio: number };
  readonly gpus: readonly { readonly utilizationRatio: number }[];
  readonly services: readonly {
    readonly name: string;
    readonly memory: { readonly usedRatio: number };
    readonly cpu: { readonly usedRatio: number };
  }[];
}

describe.skipIf(!hasApt)("the page in Chromium (skipped where there is no apt to load it with)", () => {
  let folder: string;
  let bundle: string;
  let browser: Browser;
  let host: PageHost;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "airm-page-"));
    bundle = await buildMonitor(folder);
    const { program, environment } = await chromium();
    browser = await playwright.launch({
      executablePath: program,
      // It may be root's, in a container, and shows no page but ours.
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
      env: { ...process.env, ...environment },
    });
    host = new PageHost(bundle);
    host.writeHistory();
    host.writeManager();
    await host.start();
  }, 300_000);
  afterAll(async () => {
    await browser.close();
    await host.dispose();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  /** A page, what it complained of, and whom it asked. */
  async function open(
    options: BrowserContextOptions = {},
    path = "",
    prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
  ) {
    const page = await browser.newPage({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
    await prepare(page);
    page.setDefaultTimeout(30_000);
    const errors: string[] = [];
    const asked: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${host.url}${path}`);
    await page.locator(".plot canvas").first().waitFor();
    return { page, errors, asked };
  }

  const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

  test(
    "shows the numbers of /json, rounded down as the command line does",
    { timeout: 120_000 },
    async () => {
      let answer: string | undefined;
      const { page, errors, asked } = await open({}, "", async (before) => {
        // One collection for as long as it takes to read the page.
        await before.route("**/json", async (route) => {
          answer ??= await (await route.fetch()).text();
          await route.fulfill({ body: answer, contentType: "application/json" });
        });
      });
      const metrics = JSON.parse(answer ?? "") as Metrics;
      const values = await page.evaluate<(string | null)[][]>(BARS);
      const percent = (ratio: number) => `${Math.floor(ratio * 100 + 1e-9)}%`;
      const bar = (label: string, ratio: number) => [label, percent(ratio), percent(ratio).slice(0, -1)];
      expect(values.slice(0, 3)).toEqual([
        bar("Memory", metrics.memory.usedRatio),
        bar("CPU", metrics.cpu.usedRatio),
        bar("Swap", metrics.swap.usedRatio),
      ]);
      expect(values).toContainEqual(bar("GPU 0", metrics.gpus[0]?.utilizationRatio ?? -1));
      for (const [index, service] of metrics.services.entries()) {
        const card = page.locator(".service").nth(index);
        expect(await card.locator("h3").innerText()).toBe(service.name);
        const shown = await card.locator(".bar-value").allInnerTexts();
        expect(shown.slice(0, 2)).toEqual([
          percent(service.memory.usedRatio),
          percent(service.cpu.usedRatio),
        ]);
      }
      expect(await page.title()).toContain("goblin");
      expect(await text(page, "#models")).toContain("qwen2.5-coder:14b");
      expect(await text(page, "#verdicts")).toContain("1 not enforced, 5 limits enforced");
      expect(await text(page, "#deployment")).toContain("watched until");
      expect([errors, asked.filter((url) => !url.startsWith(host.url) && !url.startsWith("data:"))]).toEqual([
        [],
        [],
      ]);
    },
  );

  for (const [name, options] of [
    ["light, on a desktop", { colorScheme: "light" }],
    ["dark, on a desktop", { colorScheme: "dark" }],
    ["light, on a phone", { colorScheme: "light", viewport: PHONE, isMobile: true }],
    ["dark, on a phone", { colorScheme: "dark", viewport: PHONE, isMobile: true }],
  ] as const) {
    test(`is accessible: ${name}`, { timeout: 120_000 }, async () => {
      // axe is put into the page, which its policy rightly forbids.
      const { page } = await open({ ...options, bypassCSP: true });
      await page.evaluate(OPEN_ALL);
      await page.evaluate(AXE);
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(): Promise<{
              violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
            }>;
          };
        };
        return (await axe.run()).violations.map(({ id, nodes }) => [
          id,
          ...nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
        ]);
      });
      expect(violations).toEqual([]);
      expect(await page.evaluate(WIDER_THAN_SCREEN)).toEqual([]);
    });
  }

  test("is walked by keyboard, and each stop is seen", { timeout: 120_000 }, async () => {
    const { page } = await open();
    const stops: string[] = [];
    for (let press = 0; press < 8; press++) {
      await page.keyboard.press("Tab");
      stops.push(await page.evaluate<string>(FOCUSED));
    }
    expect(stops.slice(0, 5)).toEqual([
      "To the numbers solid",
      "1 h solid",
      "6 h solid",
      "24 h solid",
      "7 days solid",
    ]);
    expect(stops[5]).toContain("Numbers of Memory");
    const pressed = () => page.locator("button[aria-pressed=true]").innerText();
    expect(await pressed()).toBe("6 h");
    await page.getByRole("button", { name: "24 h" }).focus();
    const asked = page.waitForRequest(/history\?hours=24$/);
    await page.keyboard.press("Enter");
    await asked;
    expect(await pressed()).toBe("24 h");
    expect(page.url()).toContain("#24h");
    await page.locator("[aria-label*='the last 24 hours']").first().waitFor();
    // A new answer each second keeps what somebody has opened, and where they are.
    const numbers = page.locator(".plot summary").first();
    await numbers.focus();
    await page.keyboard.press("Enter");
    expect(await page.locator(".plot details").first().locator("tbody tr").count()).toBe(12);
    await page.waitForResponse((response) => response.url().endsWith("/json"));
    await sleep(300);
    expect(await page.locator("summary:focus").count()).toBe(1);
    expect(await page.locator(".plot details").first().getAttribute("open")).not.toBeNull();
  });

  test("draws what was measured, and leaves a gap where nothing was", { timeout: 120_000 }, async () => {
    const { page } = await open({}, "#24h");
    const label = page.locator("[aria-label^='Memory, the last 24 hours']");
    expect(await label.getAttribute("aria-label")).toMatch(
      /^Memory, the last 24 hours\. used: last [0-9]+%, mean 6[0-9]%, highest 7[0-9]%\.$/,
    );
    expect(await page.evaluate(PAINTED)).toBeGreaterThan(500);
    const { time, series } = (await (await page.request.get(`${host.url}history?hours=24`)).json()) as {
      time: number[];
      series: { name: string; mean: (number | null)[] }[];
    };
    const gap = series.find(({ name }) => name === "memory")?.mean.indexOf(null) ?? -1;
    expect((time[gap + 1] ?? 0) - (time[gap - 1] ?? 0)).toBeGreaterThan(3000);
  });

  test(
    "says that a service has stopped, that the monitor has ended, and that it is back",
    { timeout: 120_000 },
    async () => {
      const own = new PageHost(bundle);
      try {
        await own.start();
        const page = await browser.newPage({ viewport: DESKTOP });
        page.setDefaultTimeout(40_000);
        await page.goto(own.url);
        await page.locator("[data-level=good]").waitFor();
        expect(await text(page, "#state")).toContain("All is well");
        own.stopService();
        await page.locator(".service.down").waitFor();
        expect(await text(page, ".service.down")).toContain("not running");
        await page.locator("[data-level=critical]").waitFor();
        expect(await text(page, "#alerts")).toContain("Service llamacpp is not running");
        expect(await text(page, "#state")).toContain("1 alert");
        await own.stop();
        await page.locator("[data-level=blind]").waitFor();
        expect(await text(page, "#state")).toMatch(
          /Cannot see: the monitor cannot be reached[^]*What follows is as it was at [0-9-]{10} [0-9:]{8}, [0-9]+ s ago\./,
        );
        // What was last seen stays.
        expect(await text(page, ".service.down")).toContain("llamacpp");
        await own.start();
        await page.locator("[data-level=critical]").waitFor();
      } finally {
        await own.dispose();
      }
    },
  );

  test(
    "loads while nothing was collected of late, and says why and since when",
    { timeout: 120_000 },
    async () => {
      const own = new PageHost(bundle);
      try {
        await own.start();
        // Nothing can be written where the outputs go any more.
        own.blockOutputs();
        const page = await browser.newPage({ viewport: DESKTOP });
        page.setDefaultTimeout(40_000);
        await sleep(4500);
        await page.goto(own.url);
        await page.locator("[data-level=blind]").waitFor();
        expect(await text(page, "#state")).toMatch(
          /Cannot see: the last collection is [0-9]+ s old: .+ \(since 20[0-9-]{8}T[0-9:]{8}Z\)[^]*There are no numbers yet\./,
        );
      } finally {
        await own.dispose();
      }
    },
  );

  test("a model's name is a name, whatever stands in it", { timeout: 120_000 }, async () => {
    const own = new PageHost(bundle);
    try {
      own.models = [{ name: "<img src=x onerror=document.title='owned'>\u202etxt", size: 1, size_vram: 1 }];
      await own.start();
      const page = await browser.newPage({ viewport: DESKTOP });
      await page.goto(own.url);
      await page.locator(".models tbody th").waitFor();
      expect(await text(page, ".models tbody th")).toBe(
        "<img src=x onerror=document.title='owned'>\ufffdtxt",
      );
      expect([await page.locator("#models img").count(), (await page.title()).includes("owned")]).toEqual([
        0,
        false,
      ]);
    } finally {
      await own.dispose();
    }
  });
});
