// TypeScript at run time, for our own files alone: tsx looks at each file that is loaded after it, which doubles the time
// that a package of many files takes. These are the packages that every command needs.
for (const name of ["commander", "ssh2", "yaml", "zod"]) require(name);
require("tsx/cjs");
