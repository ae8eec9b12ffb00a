/** Faults that a running service can be told to have, for tests and demonstrations. */

export interface ServiceFaults {
  /** Connections are cut as soon as they are made, open ones at once. */
  readonly down: boolean;
  /** Every answer waits this long. */
  readonly delayMs: number;
  /** Every answer is 200 with bytes that mean nothing. */
  readonly garbage: boolean;
  /** TLS services show a certificate of an authority that nobody knows; open connections are cut. */
  readonly wrongTlsCertificate: boolean;
}

export interface FaultSwitch {
  readonly current: ServiceFaults;
  set(faults: Partial<ServiceFaults>): void;
  clear(): void;
}

const NO_FAULTS: ServiceFaults = {
  down: false,
  delayMs: 0,
  garbage: false,
  wrongTlsCertificate: false,
};

export function createFaultSwitch(
  onChange: (faults: ServiceFaults, before: ServiceFaults) => void,
): FaultSwitch {
  let current = NO_FAULTS;
  const change = (faults: ServiceFaults): void => {
    const before = current;
    current = faults;
    onChange(current, before);
  };
  return {
    get current() {
      return current;
    },
    set: (faults) => change({ ...current, ...faults }),
    clear: () => change(NO_FAULTS),
  };
}
