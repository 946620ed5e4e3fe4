import type { SettledWorkload } from "./workload";

/**
 * Variables that name a folder which their program writes to: the model stores of Ollama, llama.cpp and huggingface_hub,
 * what PyTorch, Triton, vLLM and CUDA compile, and the XDG Base Directory Specification's. The host has the same list for
 * variables that a unit has from elsewhere (host/lib/sections/unit-needs.sh; a test holds the two together).
 */
export const WRITTEN_VARIABLES = [
  "CUDA_CACHE_PATH",
  "HF_ASSETS_CACHE",
  "HF_DATASETS_CACHE",
  "HF_HOME",
  "HF_HUB_CACHE",
  "HF_XET_CACHE",
  "HUGGINGFACE_HUB_CACHE",
  "LLAMA_CACHE",
  "OLLAMA_MODELS",
  "TMPDIR",
  "TORCHINDUCTOR_CACHE_DIR",
  "TORCH_HOME",
  "TRANSFORMERS_CACHE",
  "TRITON_CACHE_DIR",
  "VLLM_CACHE_ROOT",
  "XDG_CACHE_HOME",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
] as const;

/** Variables of which a program bears that what they name is not there: where it looks, and where it stands. */
export const SEARCHED_VARIABLES = [
  "HOME",
  "INFOPATH",
  "MANPATH",
  "OLDPWD",
  "PATH",
  "PWD",
  "XDG_CONFIG_DIRS",
  "XDG_DATA_DIRS",
] as const;

/** Options that name a folder which their program writes to: vLLM's, text-generation-inference's, llama.cpp's. */
export const WRITTEN_OPTIONS = [
  "--cache-dir",
  "--download-dir",
  "--huggingface-hub-cache",
  "--slot-save-path",
] as const;

/** What a workload's own settings name on the host. */
export interface NamedPaths {
  /** Files and folders that it reads, where the hardening would hide them. */
  readonly read: readonly string[];
  /** Folders that it writes to. */
  readonly written: readonly string[];
}

/** Below these nothing is shown to a hardened service (ProtectHome=, systemd.exec(5)). */
export const isInHome = (path: string): boolean => /^\/(home|root|run\/user)(\/|$)/.test(path);

/** There a hardened service has a folder of its own (PrivateTmp=). */
export const isTemporary = (path: string): boolean => /^\/(var\/)?tmp(\/|$)/.test(path);

/**
 * The paths in a workload's command line and variables: what it is told to use is opened to it. A link is followed by the
 * host alone, which names what it leads to.
 */
export function namedPaths({ exec, environment }: SettledWorkload): NamedPaths {
  const words = exec?.start.split(/\s+/) ?? [];
  const variables = Object.entries(environment).filter(([name]) => !includes(SEARCHED_VARIABLES, name));
  const isWritten = (_: string, index: number): boolean => {
    const [option = "", ...value] = (words[index] ?? "").split("=");
    return includes(WRITTEN_OPTIONS, value.length > 0 ? option : (words[index - 1] ?? ""));
  };
  const read = [
    // The program is needed with what lies beside it (hardening.ts).
    ...words.filter((word, index) => index > 0 && !isWritten(word, index)).flatMap(pathsIn),
    ...variables
      .filter(([name]) => !includes(WRITTEN_VARIABLES, name))
      .flatMap(([, value]) => pathsIn(value)),
  ];
  const written = [
    ...words.filter(isWritten).flatMap(pathsIn),
    // All of its value is one path.
    ...variables.filter(([name]) => includes(WRITTEN_VARIABLES, name)).map(([, value]) => value),
  ];
  return {
    read: settled(read.map(whole)).filter(isInHome),
    written: settled(written).filter((path) => !isTemporary(path)),
  };
}

/** Absolute paths in a text; a URL's is none. */
function pathsIn(value: string): string[] {
  const text = value.replace(/[a-z+.-]+:\/\/[^\s/]\S*/gi, "URL");
  return [...text.matchAll(/(?<=^|[\s=:,;"'(@])\/(?!\/)[^\s:,;"')]*/g)].map(([found]) => found);
}

/** Those that need no quoting, each once. What else there is the host names. */
function settled(paths: readonly string[]): string[] {
  const plain = paths
    .map((path) => path.replace(/\/+$/, ""))
    .filter((path) => /^(\/[A-Za-z0-9._+@-]+)+$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path));
  return [...new Set(plain)].sort();
}

/** A model in several files is given by its first one (llama.cpp): all of its folder is needed. */
function whole(path: string): string {
  return path.replace(/\/[^/]*-[0-9]{5}-of-[0-9]{5}\.gguf$/, "");
}

function includes(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
