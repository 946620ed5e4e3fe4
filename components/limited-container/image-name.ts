import { type Described, SettingError, textField } from "../settings/field";

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
/** What makes a first part a registry, and not a part of the repository: a dot, a port, or localhost. */
const REGISTRY = `(?:(?:localhost|${LABEL}(?:\\.${LABEL})+)(?::[0-9]{1,5})?|${LABEL}:[0-9]{1,5})`;
const PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}";
/** A name as dockerd takes it (github.com/distribution/reference). */
const NAME = new RegExp(`^((?:${REGISTRY}/)?${PART}(?:/${PART})*)(?::${TAG})?(?:@(?:${DIGEST}))?$`);
const LONGEST = 255;

/** An image in a registry, or of the host. */
export function imageField(doc: Described & { example: string }) {
  return textField(
    { allowed: "[REGISTRY/]REPOSITORY[:TAG][@DIGEST], the repository in small letters, no blanks", ...doc },
    parseImageName,
  );
}

/** @throws SettingError for what dockerd would refuse, with the name that was probably meant */
export function parseImageName(text: string): string {
  const [, repository] = NAME.exec(text) ?? [];
  if (repository !== undefined && repository.length <= LONGEST && !/^[0-9a-f]{64}$/.test(repository))
    return text;
  const name = text.replace(/\s*([/:@])\s*/g, "$1").trim();
  const [, scheme = "", registry = "", rest = ""] =
    new RegExp(`^(https?://)?(${REGISTRY}/)?(.*)$`, "s").exec(name) ?? [];
  const lower = rest.replace(/^[^:@]*/, (path) => path.toLowerCase());
  const meant = registry + lower;
  if (/\s/.test(text)) throw new SettingError("a name holds no blanks", meant);
  if (scheme === "" && lower !== rest) throw new SettingError("a repository has small letters only", meant);
  throw new SettingError("that is no image's name", meant);
}
