/** One word of a POSIX shell, whatever it holds. */
export function quoteShell(word: string): string {
  refuseControls(word);
  return `'${word.replaceAll("'", "'\\''")}'`;
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

/** The value of one `Environment=` line. There `%` is special and `$` is not (systemd.exec(5)). */
export function quoteEnvironment(name: string, value: string): string {
  refuseControls(value);
  return `"${name}=${value.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function refuseControls(text: string): void {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new RangeError(`${JSON.stringify(text)} holds a control character`);
}
