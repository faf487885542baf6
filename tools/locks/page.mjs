/** docs/platforms.md, from what pip answered. */
export function page({ rows, platforms, torchPin }) {
  const series = [...new Set(rows.map((row) => row.series))].sort();
  const list = (words) => `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
  const cell = (version, platform) => {
    const row = rows.find((entry) => entry.series === version && entry.platform === platform);
    return `${row.wheels} wheels, torch ${row.torch}`;
  };
  const cells = new Set(series.flatMap((version) => platforms.map((platform) => cell(version, platform))));
  const table = [
    `| | ${platforms.join(' | ')} |`,
    `| --- | ${platforms.map(() => '---').join(' | ')} |`,
    ...series.map(
      (version) =>
        `| Python ${version} | ${platforms.map((platform) => cell(version, platform)).join(' | ')} |`,
    ),
  ].join('\n');
  const found =
    cells.size === 1
      ? `Each of the ${series.length * platforms.length} combinations has every wheel: ${[...cells][0]}.`
      : table;
  return `# Platforms

murnau runs on Python ${list(series)}, on ${list(platforms)}, with glibc on Linux.

\`npm run -s check:locks\` wrote this page: it asks pip for each combination, without installing, whether every locked package has a wheel
(\`--dry-run --only-binary=:all: --require-hashes\`), and looks whether package-lock.json names the binaries of each
platform.

${found}

| | to download | on disk |
| --- | --- | --- |
| Node packages | 0.3 GB | 0.7 GB |
| PyTorch, CPU build | 0.2 GB | 0.8 GB |
| PyTorch, CUDA build | 2.6 GB | 4.9 GB |
| other Python packages | 0.15 GB | 0.6 GB |

- Python: \`MURNAU_PYTHON=/path/to/python3\` names one. Otherwise the newest that works of those on PATH is taken; if
  there is none, the newest in the usual folders (/usr/bin, /usr/local/bin, Homebrew's) or among pyenv's and uv's. It has
  to be the usual 64-bit CPython, not the free-threaded one.
- The checkout may lie in any path without \`?\`, \`!\`, \`:\`, \`\\\` and line breaks.
- Node 20.19 to 24. Node 20 has reached its end of life: use 24.
- \`pip install ${torchPin}\` comes first and alone. On Linux x86-64 an ordinary package index gives the CUDA build; the
  set-up says which build it is about to install, how large it is and what disk it needs. \`MURNAU_TORCH_INDEX=ADDRESS\`
  takes PyTorch's build, and nothing else, from a further index, such as the CPU index that pytorch.org/get-started names.
- Everything else: \`python-worker/locks/python-3.XX.lock\` (\`npm run locks\` resolves them anew from
  python-worker/pyproject.toml) and package-lock.json, with hashes.
`;
}
