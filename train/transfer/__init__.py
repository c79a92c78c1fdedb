"""The paper's intelligence tests: studies of runs that start from different weights."""
