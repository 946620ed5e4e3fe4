import { FULL_SIZE } from "../support/machine";
import { suiteVm } from "../support/suite-vm";

export const { setup, teardown } = suiteVm(FULL_SIZE);
