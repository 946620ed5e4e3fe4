import { describe, expect, it } from "vitest";
import { driftOf, formatFinding } from "../../../components/observation/drift";
import type { Observation } from "../../../components/observation/observe";
import type { BundleStatus, Finding } from "../../../components/observation/status";

const finding = (given: Partial<Finding> = {}): Finding => ({
  unit: "ollama.service",
  property: "MemoryMax",
  declared: "8 GiB",
  file: "",
  kernel: "4 GiB",
  reason: "runtime override /run/systemd/system.control/ollama.service.d/50-MemoryMax.conf",
  ...given,
});

const HELD: BundleStatus = {
  ...{ name: "workload-ollama", digest: "d1", generation: 3 },
  ...{ owner: "", unconfirmed: false, findings: [], limits: [] },
};

const seen = (bundle: Partial<BundleStatus> = {}): Observation => ({
  kind: "status",
  status: {
    version: "1.0.0",
    busy: false,
    boot: "0c7a3f2e-1111-2222-3333-444455556666",
    bundles: [{ ...HELD, ...bundle }],
  },
});
const bundle = { name: "workload-ollama", digest: "d1" };

describe("drift", () => {
  it("is none where all is as rendered, where nobody looked, and where nobody knows", () => {
    expect(driftOf(seen(), bundle)).toBeUndefined();
    expect(driftOf(undefined, bundle)).toBeUndefined();
    expect(driftOf({ kind: "unknown", reason: "busy" }, bundle)).toBeUndefined();
  });

  it("is each finding, with the apply and the boot since which it is so", () => {
    expect(driftOf(seen({ findings: [finding()] }), bundle)).toBe(
      "ollama.service MemoryMax: declared 8 GiB, kernel 4 GiB (runtime override /run/systemd/system.control/ollama.service.d/50-MemoryMax.conf) (since apply 3, boot 0c7a3f2e)",
    );
  });

  it("tells five findings and counts the rest", () => {
    const findings = Array.from({ length: 7 }, (_, index) => finding({ unit: `u${index}.service` }));
    const text = driftOf(seen({ findings }), bundle) ?? "";
    expect(text.match(/MemoryMax/g)).toHaveLength(10);
    expect(text).toMatch(/u4\.service [^;]*; and 2 more \(since apply 3, boot 0c7a3f2e\)$/);
  });

  it("is another digest, a bundle that is not there, and a host without a manager", () => {
    expect(driftOf(seen({ digest: "d0" }), bundle)).toBe(
      "the host holds another version (since apply 3, boot 0c7a3f2e)",
    );
    expect(driftOf(seen({ name: "swap" }), bundle)).toBe("not on the host (boot 0c7a3f2e)");
    expect(driftOf({ kind: "absent", boot: "0c7a3f2e-1111" }, bundle)).toBe(
      "not on the host (boot 0c7a3f2e)",
    );
  });

  it("is a change that waits for its confirmation, and one that went back without it", () => {
    const since = "(since apply 3, boot 0c7a3f2e)";
    const waiting = "its last change waits for confirmation";
    expect(driftOf(seen({ unconfirmed: true }), bundle)).toBe(`${waiting} ${since}`);
    expect(driftOf(seen({ unconfirmed: true, digest: "d0" }), bundle)).toBe(
      `${waiting}; the host holds another version ${since}`,
    );
    expect(driftOf(seen({ unconfirmed: true, findings: [finding()] }), bundle)).toContain(
      `; ${waiting} ${since}`,
    );
    const reverted = "2026-11-28T10:00:00Z";
    expect(driftOf(seen({ reverted, digest: "d0" }), bundle)).toBe(
      `nobody confirmed its last change, which went back at ${reverted} ${since}`,
    );
    expect(driftOf(seen({ reverted }), bundle)).toBeUndefined();
  });

  it("stays one line of a shell's comment, whatever the host says", () => {
    const text = driftOf(
      seen({ findings: [finding({ kernel: "4\nrm -rf /\r\u2028x", reason: "\u0000" })] }),
      bundle,
    );
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    expect(text).not.toMatch(/[\u0000-\u001f\u007f\u2028]/);
    expect(text).toContain("kernel 4 rm -rf / x");
  });
});

describe("a finding", () => {
  it("names the file where it says something else than the declaration and the kernel", () => {
    const tell = (given: Partial<Finding>) => formatFinding(finding({ reason: "why", ...given }));
    expect(tell({ file: "8 GiB" })).toBe("ollama.service MemoryMax: declared 8 GiB, kernel 4 GiB (why)");
    expect(tell({ file: "2 GiB" })).toBe(
      "ollama.service MemoryMax: declared 8 GiB, on file 2 GiB, kernel 4 GiB (why)",
    );
    expect(tell({ file: "absent", kernel: "" })).toBe(
      "ollama.service MemoryMax: declared 8 GiB, on file absent (why)",
    );
  });
});
