import { describe, expect, it } from "vitest";
import { imageKey, readGuestFiles } from "./image-recipe";

const apt = { sources: ["deb http://mirror.example/debian bookworm main"], config: [], authorities: {} };
const guest = [{ path: "/etc/motd", content: "hello\n", executable: false }];

describe("the image's cache key", () => {
  it("is the same for the same inputs, in whatever order they were made", () => {
    const { authorities, config, sources } = apt;
    expect(imageKey({ sources, config, authorities }, guest)).toBe(imageKey(apt, [...guest]));
    expect(imageKey(apt, guest)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ["another mirror", { ...apt, sources: ["deb http://other.example/debian bookworm main"] }, guest],
    ["a proxy", { ...apt, config: ['Acquire::http::Proxy "http://proxy.example:3128";'] }, guest],
    ["an authority", { ...apt, authorities: { "a.crt": "PEM" } }, guest],
    ["a guest file's content", apt, [{ path: "/etc/motd", content: "bye\n", executable: false }]],
    ["a guest file's mode", apt, [{ path: "/etc/motd", content: "hello\n", executable: true }]],
  ])("changes with %s", (_what, otherApt, otherGuest) => {
    expect(imageKey(otherApt, otherGuest)).not.toBe(imageKey(apt, guest));
  });
});

it("another release is another image", () => {
  expect(imageKey(apt, guest, "trixie")).not.toBe(imageKey(apt, guest));
  expect(imageKey(apt, guest, "bookworm")).toBe(imageKey(apt, guest));
});

describe("the guest tree", () => {
  it("holds the workloads and their program, executable, in a stable order", () => {
    const files = readGuestFiles();
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual([...paths].sort());
    for (const name of ["ollama", "llamacpp", "local-llm-proxy"])
      expect(paths).toContain(`/etc/systemd/system/${name}.service`);
    expect(files.find(({ path }) => path === "/opt/goblin-sandbox/workload.pl")?.executable).toBe(true);
    expect(files.find(({ path }) => path === "/etc/systemd/system/ollama.service")?.executable).toBe(false);
  });
});
