import type { SettingIssue } from "../settings/issues";
import { isMap, type SettingPath, valueAt } from "../settings/values";

/**
 * Names of workloads and of variables that have nothing after them (`ollama:`, null to YAML), where no shared one is
 * taken back by that: they would be left out in silence.
 */
export function emptyEntries(shared: unknown, own: unknown): SettingIssue[] {
  const names = keysAt(["workloads"], shared, own);
  return names.flatMap((name) => {
    const environment = ["workloads", name, "environment"];
    const variables = keysAt(environment, shared, own).map((variable) => [...environment, variable]);
    return [
      ...(isEmpty(["workloads", name], shared, own) ? [emptyWorkload(["workloads", name])] : []),
      ...variables.filter((path) => isEmpty(path, shared, own)).map(emptyVariable),
    ];
  });
}

function emptyWorkload(path: SettingPath): SettingIssue {
  const message = "there is nothing after its name";
  return { path, value: null, message, allowed: "a map with at least memory.max", fix: null };
}

function emptyVariable(path: SettingPath): SettingIssue {
  const message = "there is nothing after its name";
  return { path, value: null, message, allowed: 'a value; "" for an empty one', fix: "" };
}

function isEmpty(path: SettingPath, shared: unknown, own: unknown): boolean {
  const [below, above] = [valueAt(shared, path), valueAt(own, path)];
  return above === null ? below === undefined || below === null : above === undefined && below === null;
}

function keysAt(path: SettingPath, ...layers: readonly unknown[]): string[] {
  return [
    ...new Set(
      layers.flatMap((layer) => {
        const value = valueAt(layer, path);
        return isMap(value) ? Object.keys(value) : [];
      }),
    ),
  ];
}
