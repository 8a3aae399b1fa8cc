/** `coilyard/testing`: what the tests of this package use, for the tests of yours. */

export { ManualClock, settle } from './manual-clock.js';
export {
  type Script,
  type ScriptedCall,
  type ScriptedFunction,
  type ScriptedWorker,
  scriptedWorkers,
} from './scripted-worker.js';
export {
  type ContractCheck,
  type OpenHints,
  type StoreContractOptions,
  sessionStoreContract,
} from './store-contract.js';
