"""What holds before anything of the tests is imported."""

import os

# As `pipelines/local.py` has it for stages. Threads that spin while they wait take the processors from one another
# where others compute too: tests of boosted trees took four times as long. It is read when torch or sklearn load.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
