/** docs/platforms.md, from what pip answered. */
export function page({ rows, platforms, torchPin }) {
  const series = [...new Set(rows.map((row) => row.series))].sort();
  const cell = (version, platform) => {
    const row = rows.find((entry) => entry.series === version && entry.platform === platform);
    return `${row.wheels} wheels, torch ${row.torch}`;
  };
  return `# Platforms

What murnau installs, and for which machines every piece of it exists as a wheel. Written by \`npm run -s check:locks\`,
which asks pip for each combination without installing (\`--dry-run --only-binary=:all: --require-hashes\`), and looks
whether package-lock.json names the binaries of each platform.

| | ${platforms.join(' | ')} |
| --- | ${platforms.map(() => '---').join(' | ')} |
${series.map((version) => `| Python ${version} | ${platforms.map((platform) => cell(version, platform)).join(' | ')} |`).join('\n')}

- Python: the newest on PATH that works is taken, else the newest that lies where package managers, pyenv and uv put
  them; \`MURNAU_PYTHON=/path/to/python3\` names one. CPython with 64 bits and the GIL, and glibc on Linux.
- The checkout may lie in any path without \`?\`, \`!\`, \`:\`, \`\\\` and line breaks.
- Node 20.19 to 24. Node 20 has reached its end of life: use 24.
- \`pip install ${torchPin}\` comes first and alone. On Linux x86-64 an ordinary package index gives the CUDA build; the
  set-up says which build it is about to install, how large it is and what disk it needs. \`MURNAU_TORCH_INDEX=ADDRESS\`
  takes PyTorch's build, and nothing else, from a further index, such as the CPU index that pytorch.org/get-started names.
- Everything else: \`python-worker/locks/python-3.XX.lock\` (\`npm run locks\` resolves them anew from
  python-worker/pyproject.toml) and package-lock.json, with hashes.
`;
}
