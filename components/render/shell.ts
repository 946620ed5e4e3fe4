/** One word of a POSIX shell, whatever it holds. */
export function quoteShell(word: string): string {
  refuseControls(word);
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** One word as an operator pastes it into bash or zsh: what a terminal would act on is escaped. */
export function quotePasted(word: string): string {
  const unshown = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
  if (word.search(unshown) < 0) return quoteShell(word);
  const escaped = word
    .replace(/[\\']/g, "\\$&")
    .replace(unshown, (found) => `\\U${(found.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`);
  return `$'${escaped}'`;
}

/**
 * One argument of a systemd command line (`ExecStart=`): quoted where it must be, with `$` and `%` doubled so
 * that the process gets exactly this text. See systemd.service(5), "Command lines".
 */
export function quoteExecArgument(argument: string): string {
  refuseControls(argument);
  const literal = argument.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[A-Za-z0-9_./:=,@%+-]+$/.test(literal)) return literal;
  return `"${literal.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * The value of one `Environment=` line. There `%` is special and `$` is not (systemd.exec(5)); `@{` is to the host, where the
 * file has tokens.
 */
export function quoteEnvironment(name: string, value: string): string {
  refuseControls(value);
  const literal = value.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${name}=${literal.replaceAll("@{", "@\\x7b")}"`;
}

/**
 * One line of a file for `EnvironmentFile=`, in which neither `%` nor `$` is special to systemd; a POSIX shell reads the
 * same from it (systemd.exec(5)).
 */
export function quoteEnvironmentFile(name: string, value: string): string {
  // The value is a secret: an error says nothing of it.
  if (/\p{Cc}/u.test(value)) throw new RangeError(`the value of ${name} holds a control character`);
  return `${name}="${value.replace(/[\\"`$]/g, "\\$&")}"`;
}

function refuseControls(text: string): void {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new RangeError(`${JSON.stringify(text)} holds a control character`);
}
