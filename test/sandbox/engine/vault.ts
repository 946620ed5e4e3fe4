/** Secrets at rest: AES-256-GCM, with a key of its own beside the state file. */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EngineError } from "./types";
import { isMap, isSecret, SECRET, SIGNATURE, textOf, type Value } from "./values";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class Vault {
  private constructor(private readonly key: Buffer) {}

  /** Opens the vault of a state file; `create` allows a new key where the state holds no secret yet. */
  static open(keyFile: string, create: boolean): Vault {
    if (existsSync(keyFile)) return new Vault(Buffer.from(readFileSync(keyFile, "utf8").trim(), "hex"));
    if (!create) throw new EngineError(`the state holds secrets and its key ${keyFile} is gone`);
    const key = randomBytes(32);
    mkdirSync(dirname(keyFile), { recursive: true });
    writeFileSync(keyFile, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    return new Vault(key);
  }

  /** Replaces each secret's content by its ciphertext. */
  seal(value: Value): Value {
    if (isSecret(value)) return { [SIGNATURE]: SECRET, ciphertext: this.encrypt(value["value"] ?? null) };
    if (Array.isArray(value)) return value.map((item) => this.seal(item));
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.seal(item)]));
  }

  /** The reverse of {@link seal}. */
  unseal(value: Value): Value {
    if (isSecret(value)) return { [SIGNATURE]: SECRET, value: this.decrypt(textOf(value["ciphertext"])) };
    if (Array.isArray(value)) return value.map((item) => this.unseal(item));
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.unseal(item)]));
  }

  private encrypt(value: Value): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.key, nonce);
    const text = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64");
  }

  private decrypt(ciphertext: string): Value {
    const bytes = Buffer.from(ciphertext, "base64");
    const decipher = createDecipheriv("aes-256-gcm", this.key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const text = Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
        decipher.final(),
      ]);
      return JSON.parse(text.toString("utf8")) as Value;
    } catch (error) {
      throw new EngineError("a secret in the state cannot be read: its key file is another one", {
        cause: error,
      });
    }
  }
}
