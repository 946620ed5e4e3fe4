import { SMALL_SIZE } from "../support/machine";
import { suiteVm } from "../support/suite-vm";

export const { setup, teardown } = suiteVm(SMALL_SIZE);
