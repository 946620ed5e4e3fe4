import { readText } from "../host/files";
import { checkConfig, ConfigError } from "./check";
import type { SettledConfig } from "./schema";

/** The configuration file, whose text may change while the collector runs. */
export class ConfigFile {
  private text: string | undefined;

  constructor(private readonly path: string) {}

  /** @throws ConfigError that names everything that is wrong */
  read(): SettledConfig {
    this.text = readText(this.path);
    if (this.text === undefined)
      throw new ConfigError([`${this.path} is missing; allowed: a JSON document, {} for all defaults`]);
    return checkConfig(this.text, this.path);
  }

  /**
   * What it says now where that is another text than when it was last read; a file that is gone is no change.
   * @throws ConfigError once for each text that is wrong
   */
  readIfChanged(): SettledConfig | undefined {
    const text = readText(this.path);
    return text === undefined || text === this.text ? undefined : this.read();
  }
}

/** Whether a running collector must start again to follow: what its timers, servers and files were made with. */
export function needsRestart(old: SettledConfig, next: SettledConfig): boolean {
  const kept = ({ intervalSeconds, listen, gpu, history, sinks, host }: SettledConfig): string =>
    JSON.stringify([intervalSeconds, listen, gpu, history, sinks, host]);
  return kept(old) !== kept(next);
}
