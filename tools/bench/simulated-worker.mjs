// node simulated-worker.mjs SLOTS STEP_MS: a worker without a device that speaks the whole protocol, for as many
// dispatchers as come. Its first line says where it listens.
import { startFakeWorker } from '@murnau/gpu-client';
import { model } from './stage.mjs';

const [slots, stepMs] = process.argv.slice(2).map(Number);
const { address } = await startFakeWorker({ models: [model], slots, stepMs });
console.log(address);
