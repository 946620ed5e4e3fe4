import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** Makes a certificate for 127.0.0.1 that signs itself, and its key. Returns its text. */
export function makeCertificate(certificateFile: string, keyFile: string, days = 2): string {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  const about = ["-subj", "/CN=goblin", "-addext", "subjectAltName=IP:127.0.0.1", "-days", String(days)];
  execFileSync("openssl", ["req", "-x509", ...key, ...about, "-out", certificateFile], { stdio: "ignore" });
  return readFileSync(certificateFile, "utf8");
}
