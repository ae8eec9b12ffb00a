import { makeContractCard } from '#drivers/pcsc/testing/vpcd-fixture.ts';
import { mute, SimulatedReader } from '#drivers/simulated/index.ts';
import { describeCardReader, type ReaderUnderTest } from './reader-contract.ts';

async function makeSimulated(): Promise<ReaderUnderTest> {
  const reader = new SimulatedReader();
  return {
    reader,
    insertCard: async () => {
      reader.faults.length = 0;
      reader.insert(makeContractCard());
    },
    removeCard: async () => reader.remove(),
    silenceCard: () => reader.faults.push(mute()),
    dispose: () => reader.close(),
  };
}

describeCardReader('simulated, in process', makeSimulated, {
  removed: 'card.removed',
  unanswered: 'card.mute',
  commandTooLong: 'reader.command-too-long',
  busy: 'reader.busy',
});
