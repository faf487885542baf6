// Which build of PyTorch pip is about to install, how large it is, and how to choose another.
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.mjs';
import { torchPin } from './series.mjs';

/**
 * Address of a further package index for PyTorch alone, such as the one of its CPU wheels. Its builds win over the
 * ordinary index's, because pip takes 2.13.0+cpu for newer than 2.13.0; PyTorch's own needs come from either.
 */
const index = process.env.MURNAU_TORCH_INDEX;

export const torchArguments = index ? [torchPin, '--extra-index-url', index] : [torchPin];

/** What the wheels take when they are unpacked, over their download; measured: 0.75 of 0.19 GB, 4.9 of 2.6 GB. */
const unpackedOverDownload = { CPU: 4, CUDA: 2, ROCm: 3 };

/** Downloads where an index does not say how large its files are. */
const usualDownloadBytes = { CPU: 0.2e9, CUDA: 2.6e9, ROCm: 4e9 };

async function sizeOf(url) {
  if (url.startsWith('file:')) return (await stat(fileURLToPath(url))).size;
  const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
  return Number(response.headers.get('content-length')) || NaN;
}

function buildOf(packages) {
  const version = packages.find(({ name }) => name === 'torch')?.version ?? '';
  if (/\+rocm/.test(version)) return 'ROCm';
  const hasCuda = packages.some(({ name }) => /^(nvidia-|cuda-)/.test(name));
  return hasCuda || /\+cu\d/.test(version) ? 'CUDA' : 'CPU';
}

/** Reads the report of `pip install --dry-run --report`. */
export async function readTorchPlan(report) {
  const packages = report.install.map(({ metadata, download_info: { url } }) => ({
    name: metadata.name.toLowerCase(),
    version: metadata.version,
    url,
  }));
  const build = buildOf(packages);
  const sizes = await Promise.all(packages.map(({ url }) => sizeOf(url).catch(() => NaN)));
  const measured = sizes.reduce((sum, size) => sum + size, 0);
  const downloadBytes = Number.isNaN(measured) ? usualDownloadBytes[build] : measured;
  return { build, downloadBytes, diskBytes: downloadBytes * (1 + unpackedOverDownload[build]) };
}

/** Asks pip what `pip install torch` would bring here, without installing it. @returns null when pip cannot say */
export async function planTorch(python, pipOptions, env) {
  const answer = await ask(
    python,
    [
      '-m',
      'pip',
      'install',
      '--dry-run',
      '--ignore-installed',
      '--quiet',
      '--report',
      '-',
      ...pipOptions,
      ...torchArguments,
    ],
    { timeoutMs: 600_000, env },
  );
  if (answer instanceof Error) return null;
  return readTorchPlan(JSON.parse(answer.slice(answer.indexOf('{'))));
}

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

/** One line: build, download, disk, and how to get the other build. */
export function describePlan({ build, downloadBytes, diskBytes }) {
  const other =
    build === 'CPU'
      ? 'A build for an NVIDIA GPU'
      : 'The build for the CPU, about 0.2 GB and enough for the small model,';
  const how = 'MURNAU_TORCH_INDEX=ADDRESS, the index that pytorch.org/get-started names';
  return (
    `PyTorch's ${build} build: ${gigabytes(downloadBytes)} to download, about ${gigabytes(diskBytes)} of free disk. ` +
    `${other} is chosen by ${how}${index ? ' (set now)' : ''}`
  );
}
