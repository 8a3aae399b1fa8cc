// Imported first by every entry: says so in one line when Node is too old. Only syntax that an old Node still reads.
import process from 'node:process';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `coilyard: Node ${process.versions.node} is too old. Install Node 20.19 or newer from https://nodejs.org, then run the command again.`,
  );
  process.exit(1);
}
