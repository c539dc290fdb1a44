/** A service that cannot start, for a reason that it names. */
process.stderr.write('Bad configuration: LIGHT is missing\n');
process.exit(1);
