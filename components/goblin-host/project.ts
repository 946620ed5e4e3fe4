/** Of Pulumi.yaml: what stands before every key of the configuration. */
export const PROJECT = "goblin-host";
