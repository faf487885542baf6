/**
 * Binaries for a platform that some package asks for and package-lock.json does not name: npm installs nothing for a
 * platform that the lock has not.
 * @param {{ packages: Record<string, { optionalDependencies?: Record<string, string> }> }} lock
 * @param {string} platform as in 'linux-arm64'
 * @returns {string[]}
 */
export function missingBinaries(lock, platform) {
  const [os, cpu] = platform.split('-');
  const names = new RegExp(`${os}-(${cpu}|${{ x64: 'x86_64', arm64: 'aarch64' }[cpu]})(-|$)`);
  return Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => names.test(name))
      .filter(
        (name) =>
          !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      ),
  );
}
