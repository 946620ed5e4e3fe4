import { z } from "zod";
import { choiceField, integerField, sizeField } from "../settings/fields";
import type { IssueParams } from "../settings/issues";
import { tokenField } from "../settings/text-fields";

/** The GPUs of a workload. */
export const GpuSettings = z
  .strictObject({
    vendor: choiceField(["nvidia", "amd"], {
      description: "Whose GPUs these are: CUDA's and NVIDIA's container runtime, or ROCm's.",
    }).default("nvidia"),
    devices: z
      .array(
        tokenField({
          description:
            "A GPU by its number as `nvidia-smi` or `rocminfo` counts it; by its UUID as `nvidia-smi -L` or `rocminfo` prints it, which stays its own when cards come, go or are counted otherwise; one of AMD's by its render node, too, which alone keeps a container to it.",
          example: "0",
          allowed: "a number, GPU-UUID, MIG-UUID (nvidia) or /dev/dri/renderDN (amd)",
          pattern: /^([0-9]{1,2}|(GPU|MIG)-[A-Za-z0-9-]{1,64}|\/dev\/dri\/renderD[1-9][0-9]{2,3})$/,
        }),
      )
      .min(1)
      .meta({
        description:
          "GPUs it may use, at least one: the device list of a service, and what a container is given.",
        allowed:
          "a list of one or more of: a number, GPU-UUID, MIG-UUID, /dev/dri/renderDN; without `gpu` it sees none",
      }),
    groups: z
      .array(
        tokenField({
          description: "A group of the host by its number, as `stat -c %g /dev/kfd` prints it.",
          example: "105",
          allowed: "a number",
          pattern: /^[0-9]{1,10}$/,
        }),
      )
      .meta({
        description:
          "Groups that it has beside its own. A container with AMD's GPUs that does not run as root needs one: the nodes are for root and the host's group render, which an image does not know by name. A service with AMD's has render and video by itself; NVIDIA's nodes are open to every group, unless the driver was told otherwise.",
      })
      .default([]),
    vramMax: sizeField({
      description:
        "What it may use of its GPUs' memory, which `vramThreshold` is a share of. An alert only. Default: all of it.",
      example: "16GiB",
    }).optional(),
    vramThreshold: integerField({
      description:
        "Alert above this use of its VRAM, in percent; NVIDIA only, for the monitor measures no others. An alert only: nothing on a host can limit VRAM.",
      min: 1,
      max: 100,
      example: "95",
    }).prefault(95),
  })
  .superRefine(({ vendor, devices }, context) => {
    const refuse = (key: string, message: string, params: IssueParams = { fix: null }) => {
      context.addIssue({ code: "custom", path: [key], message, params: { ...params } });
    };
    const given = (by: RegExp) => devices.filter((device) => by.test(device));
    const [[mig], nodes] = [given(/^MIG-/), given(/^\//)];
    const preset = { preset: "nvidia" };
    if (vendor === "amd" && mig !== undefined)
      refuse("vendor", `only NVIDIA's GPUs have MIG devices (${mig})`, { fix: "nvidia" });
    if (vendor === "nvidia" && nodes[0] !== undefined)
      refuse("vendor", `only AMD's GPUs are given by a render node (${nodes[0]})`, { fix: "amd", ...preset });
    if (vendor === "amd" && nodes.length > 0 && nodes.length < devices.length)
      refuse("devices", "some are given by their render node and some are not; give all of them alike");
  });
export type Gpu = z.output<typeof GpuSettings>;
