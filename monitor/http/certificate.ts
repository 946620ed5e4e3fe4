import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { errorText, readRequired } from "../host/files";

export interface CertificateFiles {
  /** The certificate, and what it was signed by after it, in PEM. */
  readonly certificateFile: string;
  /** Its private key, in PEM. */
  readonly keyFile: string;
}

/** A certificate in files, which whoever renews it replaces. */
export class Certificate {
  private seen = "";
  private until = Infinity;
  private notTaken: string | undefined;

  constructor(private readonly files: CertificateFiles) {}

  /** @throws Error for files that are not there, or are none */
  read(): Pick<SecureContextOptions, "cert" | "key" | "minVersion"> {
    const { certificateFile, keyFile } = this.files;
    this.seen = this.stamp();
    const [cert, key] = [readRequired(certificateFile), readRequired(keyFile)];
    this.until = Date.parse(new X509Certificate(cert).validTo);
    return { cert, key, minVersion: "TLSv1.2" };
  }

  /** Hands on the files' content where they are no longer those that were read. */
  follow(take: (options: SecureContextOptions) => void): void {
    if (this.stamp() === this.seen) return;
    const before = this.until;
    try {
      take(this.read());
      this.notTaken = undefined;
    } catch (error) {
      this.until = before;
      this.notTaken = errorText(error);
    }
  }

  /** Why whoever asks may refuse what it is shown. */
  problem(now: number): string | undefined {
    if (this.notTaken !== undefined) return `the certificate before stays in use: ${this.notTaken}`;
    return now > this.until ? `${this.files.certificateFile} has expired` : undefined;
  }

  /** Which files they are, and since when. */
  private stamp(): string {
    return [this.files.certificateFile, this.files.keyFile]
      .map((file) => {
        const { ino, mtimeNs, size } = statSync(file, { bigint: true, throwIfNoEntry: false }) ?? {};
        return [ino, mtimeNs, size].join(" ");
      })
      .join("\n");
  }
}
