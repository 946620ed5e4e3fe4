import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { errorText, readRequired } from "../host/files";

/** What may be guessed is no token. */
const LEAST_CHARACTERS = 16;

/** Why somebody is not answered. */
export interface Refusal {
  readonly status: 401 | 503;
  readonly text: string;
}

/** Lets nobody in who does not show the token of a file (RFC 6750: `Authorization: Bearer TOKEN`). */
export class TokenGate {
  constructor(private readonly file: string) {}

  /** Undefined for whoever may come in. The file is read for each, so that its token may be replaced at any time. */
  refusal({ headers }: Pick<IncomingMessage, "headers">): Refusal | undefined {
    let token: string;
    try {
      token = this.token();
    } catch {
      // Where it lies is nobody's business who has not shown it.
      return { status: 503, text: "the token is not there" };
    }
    const shown = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
    if (shown !== undefined && timingSafeEqual(digest(shown), digest(token))) return undefined;
    return { status: 401, text: "Authorization: Bearer TOKEN" };
  }

  /** Why nobody is let in. */
  problem(): string | undefined {
    try {
      this.token();
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }

  private token(): string {
    const token = readRequired(this.file).trim();
    if (!/^[\x21-\x7e]*$/.test(token) || token.length < LEAST_CHARACTERS)
      throw new Error(`${this.file} holds no token: a word of ${LEAST_CHARACTERS} characters or more`);
    return token;
  }
}

/** Of one length, whatever is compared. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
