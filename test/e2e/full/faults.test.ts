import { beforeEach, expect, it } from "vitest";
import { drifted, expectFoundAndRepaired, type Faults } from "../support/drift";
import { describeInLong } from "../support/long";
import { goTo, machine } from "../support/machine";

const vm = machine();
const drop = (unit: string): string => `/etc/systemd/system/${unit}.service.d/zz-goblin.conf`;

const FAULTS: Record<string, Faults> = {
  "drop-ins that were edited, deleted, and made links and folders": {
    inject: `
      echo 'MemoryMax=1G' >>${drop("ollama")}
      rm ${drop("llamacpp")}
      ln -sf /dev/null ${drop("local-llm-proxy")}
      rm ${drop("earlyoom")}; mkdir ${drop("earlyoom")}`,
    found: {
      ollama: /zz-goblin\.conf file: declared as applied, on file content differs/,
      llamacpp: /zz-goblin\.conf file: declared as applied, on file missing/,
      "local-llm-proxy": /zz-goblin\.conf file: declared as applied, on file a symbolic-link/,
      earlyoom: /zz-goblin\.conf file: declared as applied, on file a directory/,
    },
  },
  "units that were masked, disabled and stopped": {
    inject: `
      systemctl stop earlyoom; systemctl mask earlyoom 2>/dev/null
      systemctl disable --now ai-resource-monitor.timer 2>/dev/null
      systemctl stop ai-resource-manager.timer
      systemctl disable swapfile.swap 2>/dev/null`,
    found: {
      earlyoom:
        /earlyoom\.service enabled: declared yes, on file masked .*earlyoom\.service active: declared active, kernel inactive/,
      "monitor-timer": /ai-resource-monitor\.timer enabled: declared yes, on file disabled/,
      manager: /ai-resource-manager\.timer active: declared active, kernel inactive/,
      swap: /swapfile\.swap enabled: declared yes, on file disabled/,
    },
  },
  "values that were overridden for ever, and written by hand": {
    inject: `
      systemctl set-property llamacpp TasksMax=77
      systemctl set-property --runtime ai-ollama.slice CPUWeight=13
      echo 3221225472 >/sys/fs/cgroup/ai.slice/ai-proxy.slice/local-llm-proxy.service/memory.max`,
    found: {
      llamacpp:
        /llamacpp\.service TasksMax: declared 4096, kernel 77 \(persistent override \/etc\/systemd\/system\.control\//,
      "local-llm-proxy": /local-llm-proxy\.service MemoryMax: declared 1 GiB, kernel 3 GiB \(written by hand/,
      slices: /ai-ollama\.slice CPUWeight: declared \d+, kernel 13 \(runtime override/,
    },
  },
  "a swapfile that was made smaller, and zram with another algorithm": {
    inject: `
      swapoff /swapfile; rm /swapfile; fallocate -l 1G /swapfile; chmod 600 /swapfile; mkswap /swapfile >/dev/null; swapon -p 10 /swapfile
      swapoff /dev/zram0; echo 1 >/sys/block/zram0/reset; echo lzo >/sys/block/zram0/comp_algorithm
      echo 8589934592 >/sys/block/zram0/disksize; mkswap /dev/zram0 >/dev/null; swapon -p 100 /dev/zram0`,
    found: {
      swap: /\/swapfile swap: declared 16 GiB, priority 10, kernel .*1 GiB/,
      zram: /zram0 zram: declared 8 GiB, lz4, priority 100, kernel algorithm lzo/,
    },
  },
  "a swapfile that was turned off and deleted; while it is on the kernel refuses that": {
    inject: "rm /swapfile 2>&1 | grep -q 'Operation not permitted' && swapoff /swapfile && rm /swapfile",
    found: { swap: /\/swapfile swap: declared 16 GiB, priority 10, kernel .*off/ },
  },
  "a sysctl that a later file sets, and dockerd's settings": {
    inject: `
      echo 'vm.swappiness = 77' >/etc/sysctl.d/99-theirs.conf; sysctl -q --system
      sed -i 's/"max-file": "3"/"max-file": "9"/' /etc/docker/daemon.json`,
    found: {
      swap: /vm\.swappiness sysctl: declared 10, kernel 77 \(overridden by \/etc\/sysctl\.d\/99-theirs\.conf\)/,
      docker: /\/etc\/docker\/daemon\.json log-opts\.max-file: declared \\"3\\", on file \\"9\\" /,
    },
  },
  "the monitor's command and the folder of the models": {
    inject: "rm /usr/local/bin/ai-resource-monitor; chmod 0700 /srv/models",
    found: { monitor: /\/usr\/local\/bin\/ai-resource-monitor file: declared as applied, on file missing/ },
  },
};

/** What is none of the stack's business, or is put right by the host itself. */
const NO_DRIFT: Record<string, string> = {
  "EarlyOOM's own defaults, which a package upgrade overwrites":
    "echo 'EARLYOOM_ARGS=\"-m 50\"' >/etc/default/earlyoom; systemctl restart earlyoom",
  "a clock that is a year ahead": "date --set='+1 year' >/dev/null",
  "a dockerd that was killed, and is started by systemd":
    "kill -KILL $(systemctl show -p MainPID --value docker); sleep 5; until docker info >/dev/null 2>&1; do sleep 1; done",
};

describeInLong("a host with", () => {
  beforeEach(() => goTo(vm, "applied"));

  for (const [name, faults] of Object.entries(FAULTS)) {
    it(`${name}: each is found by what it is, repaired, and nothing else is touched`, async () => {
      await expectFoundAndRepaired(vm, faults);
    });
  }

  for (const [name, inject] of Object.entries(NO_DRIFT)) {
    it(`${name}: is no drift`, async () => {
      await vm.run(inject, { timeoutSeconds: 120 });
      expect(await drifted(vm)).toEqual({});
    });
  }
});
