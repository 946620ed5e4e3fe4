import { z } from "zod";
import { unwrap } from "../../components/settings/schema-walk";
import type { SettingPath } from "../../components/settings/values";

/** The name that stands for any in a map by names. */
const NAMES: Record<string, readonly string[]> = { workloads: ["ollama", "llama"], environment: ["A"] };

/** Every place at which a configuration can have a value: settings, maps, lists, and the first and next of a list. */
export function placesOf(schema: z.ZodType, path: SettingPath = []): SettingPath[] {
  const inner = unwrap(schema);
  const below = (key: string | number, at: z.ZodType) => placesOf(at, [...path, key]);
  const own = path.length === 0 ? [] : [path];
  if (inner instanceof z.ZodObject)
    return [...own, ...Object.entries(inner.shape).flatMap(([key, at]) => below(key, at as z.ZodType))];
  if (inner instanceof z.ZodRecord)
    return [
      ...own,
      ...(NAMES[String(path.at(-1))] ?? ["A"]).flatMap((name) => below(name, inner.valueType as z.ZodType)),
    ];
  if (inner instanceof z.ZodArray) return [...own, ...below(0, inner.element as z.ZodType)];
  return own;
}

// prettier-ignore
const OF_EVERY_KIND: readonly unknown[] = [
  null, true, false, 0, -0, 1, -1, 2, 8, 22, 0.5, -1.5, 1e-7, 65_535, 65_536, 2 ** 31, 2 ** 53, 1e21, 1e308,
  [], {}, [[]], [{}], [null], [""], ["a"], ["a", "a"], [1, true], { 0: "a" }, { 0: "a", 1: 2 }, { 1: "a" },
  { a: {} }, { "": "" }, { constructor: 1 }, JSON.parse('{"__proto__": {"size": "1GiB"}}') as unknown,
  "", " ", "\t", "\n", "a\nb", "\r", "\u0000", "\u001b[31m", "\u007f", "\u0085", "\u2028", "\ufeff",
  "\ud800", "\udc00a", "\uffff", "😀", "ümlaut", "e\u0301", "\u202e", "\u00a0",
  "'", '"', "`", "\\", "a\\", "$(id)", "${A}", "%n", "%", "*", "~", "#", "&&", ";", "|", "-", "--", "-x", "@{x}",
  "constructor", "__proto__", "toString", "null", "true", "no", "yes", "undefined", "NaN", "a", "A", "a b", " a ",
  "/", "//", "/a", "/a/", "/a/../b", "/a b", "./a", "../a", "~/a", `/${"a/".repeat(90)}a`, "a:/b", "/a:/b:rw",
  "1", "007", "1.5", "1e3", "0x10", "1_000", "9".repeat(40), "9".repeat(400), "1,5", "+1",
  "1GiB", "16GB", "1.5GiB", "0", "0GiB", "1 GiB", "64TiB", "65TiB", "1KiB", `${"9".repeat(400)}GiB`, "16 M",
  "100%", "0%", "819201%", "9999999%", "50", "0-3", "3-0", "0,2-5", "8191", "8192", "0-9999", "9999-0", "0,,1",
  "5s", "5min", "5m", "1h", "99999min", "99999h", "0s", "5 s", "1d",
  "127.0.0.1", "127.0.0.1:80", "127.0.0.1:80:80", "256.0.0.1", "999.1", "010.0.0.1", "1.2.3.4.5", "0.0.0.0:9100",
  "::1", "[::1]", "[::1]:80", "[::1]:80:80", "[1::2::3]:80:80", "fe80::1%eth0", "::ffff:1.2.3.4", "fd00::1",
  "80:80", "80:80/udp", "80:80/UDP", "0:80", "80:65536", "80", "localhost:80:80", "1-2:1-2", "localhost:9465",
  "http://a", "http://a/", "http:///x", "http://a:99999/", "http://a?b", "https://a/", "http://[::1]:80/", "http://",
  "a/b:1", " a/b:1", "a/b:1 ", "A/b:1", "a/b:", "a/b@sha256:0", "a//b", "localhost/a", "x".repeat(300), "a:b:c",
  "ollama.service", "ollama", "ssh.service", "ssh@1.service", "networking", ".service", "a@.service", "a.socket",
  "ai-a", "ai-a-b", "ai-", "ai.slice", "ssh-ed25519 AAAA", "ssh-rsa AAAA", "root@a", "ssh://a:22", "1000:1000",
  "/bin/a b", "bin/a", "+/bin/a", "/bin/a \\", '"/bin/a', "/usr/bin/env a ; b", "GPU-0", "0755", "02775", "0999",
];

/** As many texts, put together of pieces that mean something somewhere; the same for the same seed. */
export function randomTexts(count: number, seed: number): string[] {
  const pieces =
    "0 1 9 255 65535 . : / - _ @ % \\ ' \" [ ] , = + GiB M min s udp tcp a ai- .service :80 / 127 \n é $".split(
      " ",
    );
  let state = seed;
  // Numerical Recipes' generator: what matters is that it is always the same.
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const text = (): string =>
    Array.from({ length: 1 + below(6) }, () => pieces[below(pieces.length)] ?? "").join(
      below(5) === 0 ? " " : "",
    );
  return Array.from({ length: count }, text);
}

/** A few hundred values, of every kind that YAML has, and of every kind that a setting is. */
export const VALUES: readonly unknown[] = [...OF_EVERY_KIND, ...randomTexts(60, 20_260_801)];
