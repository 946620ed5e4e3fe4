/**
 * What Pulumi's real engine does: recorded with CLI 3.260 and plugin command 1.2.1 against a Debian 12 machine.
 * Each row starts from the state that the row before left. The local engine must reproduce every row.
 */

/** Commands by name, in the order in which the program declares them; see fixtures/commands. */
export type Commands = Record<string, Record<string, unknown>>;

export interface Row {
  step: string;
  operation?: "destroy";
  /** Absent: the base program. */
  commands?: Commands;
  /** The address of the host; absent: the first one. */
  host?: string;
  /** Texts that fail on the host. */
  failing?: string[];
  exit: number;
  /** What ran on the host, in any order but that of `order`. */
  ran: string[];
  /** Texts of which each ran before the next. */
  order?: string[][];
  /** The counts that the record names. */
  summary: string;
  /** A row that only brings about the state for the next one: not part of the record. */
  setup?: boolean;
}

/** The second address of the host. */
export const OTHER_HOST = "127.0.0.2";

function plain(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const texts = { create: `create ${name}`, update: `update ${name}`, delete: `delete ${name}` };
  return { ...texts, stdin: `in ${name}\n`, ...more };
}

const base: Commands = {
  a: plain("a"),
  b: plain("b", { dependsOn: ["a"] }),
  d: plain("d", { dependsOn: ["b"], stdinFrom: "a" }),
  c: plain("c"),
};

const withoutC: Commands = Object.fromEntries(Object.entries(base).filter(([name]) => name !== "c"));

/** a is renamed a2; the others follow. */
const renamed: Commands = {
  a2: plain("a2"),
  b: plain("b", { dependsOn: ["a2"] }),
  d: plain("d", { dependsOn: ["b"], stdinFrom: "a2" }),
  c: plain("c"),
};

const replaceOnHost: Commands = Object.fromEntries(
  Object.entries(base).map(([name, spec]) => [
    name,
    { ...spec, options: { replaceOnChanges: ["connection.host"] } },
  ]),
);

const triggered = (trigger: string): Commands => ({
  t: plain("t", { triggers: [trigger], options: { deleteBeforeReplace: false } }),
});

const ignoring = (update: string, stdin: string): Commands => ({
  i: plain("i", { update, stdin, options: { ignoreChanges: ["update"] } }),
});

const DEPENDENTS_FIRST = [
  ["delete d", "delete b", "delete c"],
  ["delete b", "delete a"],
];

export const rows: Row[] = [
  {
    step: "first up",
    exit: 0,
    ran: ["create c", "create a", "create b", "create d"],
    order: [["create a", "create b", "create d"]],
    summary: "5 created",
  },
  { step: "again, unchanged", exit: 0, ran: [], summary: "5 unchanged" },
  {
    step: "a's stdin changes",
    commands: { ...base, a: plain("a", { stdin: "other\n" }) },
    exit: 0,
    ran: ["update a"],
    summary: "1 updated",
  },
  { step: "base (stdin)", exit: 0, ran: ["update a"], summary: "1 updated" },
  {
    step: "only the text of a's update changes",
    commands: { ...base, a: plain("a", { update: "update a differently" }) },
    exit: 0,
    ran: ["update a differently"],
    summary: "1 updated",
  },
  { step: "base (update text)", exit: 0, ran: ["update a"], summary: "1 updated" },
  {
    step: "a's stdin changes and its update fails",
    commands: { ...base, a: plain("a", { stdin: "other\n" }) },
    failing: ["update a"],
    exit: 1,
    ran: ["update a"],
    summary: "2 unchanged, 2 errored",
  },
  { step: "base (after the failed update)", exit: 0, ran: [], summary: "5 unchanged" },
  { step: "c leaves the program", commands: withoutC, exit: 0, ran: ["delete c"], summary: "1 deleted" },
  { step: "c comes back", exit: 0, ran: ["create c"], summary: "1 created" },
  {
    step: "e is added and its create fails",
    commands: { ...base, e: plain("e") },
    failing: ["create e"],
    exit: 1,
    ran: ["create e"],
    summary: "2 errored",
  },
  {
    step: "e again, now good",
    commands: { ...base, e: plain("e") },
    exit: 0,
    ran: ["create e"],
    summary: "1 created",
  },
  { step: "base (e leaves)", exit: 0, ran: ["delete e"], summary: "1 deleted" },
  {
    step: "a is renamed a2",
    commands: renamed,
    exit: 0,
    ran: ["create a2", "delete a"],
    order: [["create a2", "delete a"]],
    summary: "1 created, 1 deleted",
  },
  {
    step: "back to base",
    setup: true,
    exit: 0,
    ran: ["create a", "delete a2"],
    summary: "1 created, 1 deleted",
  },
  {
    step: "connection.host changes, with replaceOnChanges on a path inside the connection",
    commands: replaceOnHost,
    host: OTHER_HOST,
    exit: 0,
    ran: ["update a", "update b", "update c", "update d"],
    summary: "4 updated",
  },
  {
    step: "destroy",
    operation: "destroy",
    exit: 0,
    ran: ["delete d", "delete b", "delete c", "delete a"],
    order: DEPENDENTS_FIRST,
    summary: "5 deleted",
  },
  {
    step: "a command with triggers",
    setup: true,
    commands: triggered("1"),
    exit: 0,
    ran: ["create t"],
    summary: "2 created",
  },
  {
    step: "triggers changes, without deleteBeforeReplace",
    commands: triggered("2"),
    exit: 0,
    ran: ["create t", "delete t"],
    order: [["create t", "delete t"]],
    summary: "1 replaced",
  },
  {
    step: "a command that ignores changes of update",
    setup: true,
    commands: ignoring("update i", "one\n"),
    exit: 0,
    ran: ["create i", "delete t"],
    summary: "1 created, 1 deleted",
  },
  {
    step: "update differs but is ignored",
    commands: ignoring("update i anew", "one\n"),
    exit: 0,
    ran: [],
    summary: "2 unchanged",
  },
  {
    step: "a later change of stdin runs the old update text",
    commands: ignoring("update i anew", "two\n"),
    exit: 0,
    ran: ["update i"],
    summary: "1 updated",
  },
];

export { base as baseCommands };
