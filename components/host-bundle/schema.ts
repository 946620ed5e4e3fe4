import { z } from "zod";
import { SettingError, textField } from "../settings/field";
import { flagField, integerField } from "../settings/fields";
import { NAME } from "../settings/name";
import { lineField, wordField } from "../settings/text-fields";
import { parseHostAddress } from "./address";

/** Any machine that is logged in to over SSH. */
function hopSettings({ what, address, user }: { what: string; address: string; user: string }) {
  return {
    address: textField(
      {
        description: address,
        example: "203.0.113.10",
        allowed: "an IP address or a host name, without port, user and brackets",
      },
      parseHostAddress,
    ),
    port: integerField({ description: "SSH port.", min: 1, max: 65535, example: "22" }).prefault(22),
    user: wordField({
      description: user,
      example: "root",
      allowed: "a user name",
      pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
    }).prefault("root"),
    hostKey: lineField(
      {
        description: `The ${what}'s public key, ed25519 or ecdsa, as \`ssh-keyscan -t ed25519 ADDRESS\` prints it after the address. Without it the ${what} is not authenticated.`,
        example: "ssh-ed25519 AAAA...",
        allowed: "ssh-ed25519 KEY or ecdsa-sha2-nistp256 KEY (also nistp384, nistp521)",
      },
      parseHostKey,
    ).optional(),
    insecureSkipHostKeyCheck: flagField({
      description: `Connects without checking the ${what}'s key. Anyone between you and the ${what} can then become the ${what}; refused in a stack for production (prod, prod-eu, production).`,
    }).default(false),
  };
}

/** What a host was called, and how it is reached over SSH. */
export const HostConnectionSettings = z.strictObject({
  ...hopSettings({
    what: "host",
    address:
      "Address or name of the host. Under the same host name in `hosts`, another address gets everything anew and the old machine keeps what it has: moving is a new name.",
    user: "SSH user. One other than root needs `sudo -n` without a password for every command.",
  }),
  formerly: z
    .array(
      wordField({
        description: "A name that the host had.",
        example: "goblin",
        allowed: "a name that the host had",
        pattern: NAME,
        fix: null,
      }),
    )
    .meta({
      description:
        "Names that the host had before, the oldest first: with them a rename changes nothing. The first is the host's identity, in the owner of its bundles, so keep them for ever.",
    })
    .optional(),
  proxyJump: z
    .strictObject(
      hopSettings({
        what: "bastion",
        address: "Address or name of the bastion. The host's own address is then as the bastion sees it.",
        user: "SSH user on the bastion. It needs no rights there but to log in, with the same key as on the host.",
      }),
    )
    .meta({
      description: "The bastion that the host is reached through, as by OpenSSH's ProxyJump. Default: none.",
    })
    .optional(),
});

/**
 * A host key without its comment, so that two people's copies are one value.
 * @throws SettingError when it is not one that the command provider can check
 */
export function parseHostKey(text: string): string {
  const [algorithm = "", key = ""] = text.trim().split(/\s+/);
  if (/^(ssh-rsa|rsa-sha2-)/.test(algorithm)) {
    throw new SettingError(
      "RSA host keys cannot be checked: the command provider offers only ssh-rsa, which servers no longer accept. Use the host's ed25519 key",
    );
  }
  const length = KEY_BYTES[algorithm];
  if (length === undefined) throw new SettingError("it does not begin with the name of a supported key type");
  const blob = Buffer.from(key, "base64");
  const named = blob.subarray(4, 4 + algorithm.length).toString("latin1");
  if (blob.length !== length || blob.toString("base64") !== key || named !== algorithm) {
    throw new SettingError("the key after its type is cut short or damaged");
  }
  return `${algorithm} ${key}`;
}

/** Lengths of the decoded keys (RFC 8709, RFC 5656). */
const KEY_BYTES: Record<string, number> = {
  "ssh-ed25519": 51,
  "ecdsa-sha2-nistp256": 104,
  "ecdsa-sha2-nistp384": 136,
  "ecdsa-sha2-nistp521": 172,
};
