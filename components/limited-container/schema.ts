import { z } from "zod";
import { durationField } from "../settings/duration-field";
import { scalarField } from "../settings/field";
import { choiceField, flagField } from "../settings/fields";
import { filledValueField, pathField, tokenField, valueField, wordField } from "../settings/text-fields";
import { imageField } from "./image-name";
import { formatPublishedPort, parsePublishedPort } from "./port";

/** `SOURCE:TARGET[:ro]` */
export const VOLUME =
  /^(\/[A-Za-z0-9._+@/-]*|[A-Za-z0-9][A-Za-z0-9_.-]*):(\/[A-Za-z0-9._+@/-]+)(?::(ro|rw))?$/;

/** What only a workload with `runtime: container` has. */
export const ContainerFields = {
  image: imageField({
    description:
      "Image of a container workload; pulled when the host lacks it. Name a version: `latest` changes under you.",
    example: "ollama/ollama:0.6.5",
  }).optional(),
  command: z
    .array(
      valueField({
        description: "One argument.",
        example: "serve",
        allowed: 'text on one line, a number, true or false; "" for an empty one',
      }),
    )
    .meta({ description: "Arguments of a container workload. Default: the image's." })
    .optional(),
  entrypoint: z
    .array(
      filledValueField({
        description: "One word.",
        example: "/bin/ollama",
        allowed: "text on one line, a number, true or false",
      }),
    )
    .meta({ description: "Program of a container workload and its first arguments. Default: the image's." })
    .optional(),
  ports: z
    .array(
      scalarField(
        {
          description:
            "A published port. Without an address it is 127.0.0.1, because Docker's ports pass firewalls by.",
          example: "127.0.0.1:11434:11434",
          allowed: "[ADDRESS:]HOST:CONTAINER with ports from 1 to 65535, or with /udp at the end",
        },
        (text) => formatPublishedPort(parsePublishedPort(text)),
      ),
    )
    .meta({ description: "Published ports of a container workload, each of the host's once." })
    .optional(),
  network: choiceField(["shared", "bridge"], {
    description:
      "What a container workload is connected to. shared: the network of the host's container workloads, where each reaches the others, at every port that they listen on, by their names. bridge: Docker's default one, where it reaches none of them.",
  }).default("shared"),
  volumes: z
    .array(
      wordField({
        description: "A named volume or a folder of the host. What is in it outlives the container.",
        example: "/srv/models:/models:ro",
        allowed: "VOLUME:/PATH or /PATH:/PATH, or with :ro at the end",
        pattern: VOLUME,
      }),
    )
    .meta({ description: "Volumes of a container workload; its root is read-only." })
    .optional(),
  user: tokenField({
    description: "User and group of a container workload, by number. Default: the image's.",
    example: "1000:1000",
    allowed: "UID or UID:GID",
    pattern: /^[0-9]{1,10}(:[0-9]{1,10})?$/,
  }).optional(),
  capabilities: z
    .array(
      wordField({
        description: "A capability.",
        example: "SYS_NICE",
        allowed: "a name of capabilities(7) without CAP_",
        pattern: /^[A-Z][A-Z_]{2,30}$/,
      }),
    )
    .meta({ description: "Capabilities that a container workload keeps. Default: none." })
    .optional(),
  tmpfs: z
    .array(pathField({ description: "A folder in memory.", example: "/tmp" }))
    .meta({ description: "Folders of a container workload that lie in memory, writable. Default /tmp." })
    .optional(),
  readOnlyRoot: flagField({
    description:
      "The container's root cannot be written. DANGER when false: a filled root fills the host's disk.",
  }).default(true),
  stopGrace: durationField({
    description: "How long a container workload may take to stop before it is killed.",
    example: "30s",
  }).prefault("30s"),
} as const;

/** The keys that a service does not have. */
export const CONTAINER_ONLY = ["runtime", ...Object.keys(ContainerFields)];

/** What a service is settled with in their place. */
export const CONTAINER_DEFAULTS = { network: "shared", readOnlyRoot: true, stopGrace: "30s" } as const;
