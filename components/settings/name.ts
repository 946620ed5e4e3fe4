/** A host or workload name: it becomes part of resource, bundle and unit names. */
export const NAME = /^[a-z][a-z0-9-]{0,40}$/;
export const NAME_RULE = "a name begins with a small letter and has small letters, digits and dashes";
