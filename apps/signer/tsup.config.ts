import { library } from '@securemem/presets/tsup';

export default library(
  {
    main: 'src/main.ts',
    demo: 'src/demo.ts',
    storm: 'src/storm.ts',
    'keeper-module': 'src/signing/keeper-module.ts',
    'signing-process': 'src/storm/signing-process.ts',
  },
  { format: ['esm'], dts: false, clean: ['!dashboard/**'] },
);
