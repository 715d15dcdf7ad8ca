# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Title of the notebook
#
# *reading 10 minutes · computing 1 minute · needs nothing · writes `tables/`*
#
# The question in two to four sentences.
#
# **You will learn**
#
# - first thing;
# - second thing;
# - third thing.
#
# **Before you start**: what the reader should know, and where it is explained.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""
folders = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "music-classification"]
ROOT = next((p for p in folders if (p / "helpers" / "series.mplstyle").exists()), None)
alone = ROOT is None
if alone:
    ROOT = folders[-1]
    if not REPOSITORY:
        raise SystemExit("This notebook needs its series beside it: in Colab, drop music-classification.zip on the "
                         "panel Files, run !unzip -q music-classification.zip, and run this cell again.")
    if subprocess.run(["git", "clone", "--quiet", "--depth", "1", REPOSITORY, str(ROOT)]).returncode:
        raise SystemExit(f"This notebook needs its series: copy {REPOSITORY} to {ROOT}.")
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))
if alone or "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "notebooks.tools.install"], check=True)
import helpers

helpers.keep_native_logs_out_of_cells()

# %% tags=["imports"]
from helpers import datasets

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "00_template"  # name of this step in the leaderboard

# %% [markdown]
# ## First section
#
# Reason, a few lines of code, a figure, what we see.

# %%
dataset = datasets.load(DATASET, DATA_DIR)
dataset.tracks.head()

# %% [markdown]
# ## What we learned
#
# The same three bullets, in the past tense, with the figures just obtained.
#
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. A question?</summary>
#
# Its answer, folded.
#
# </details>
#
# ## Exercises
#
# ### 1. A title, the same as in `notebooks/solutions/`
#
# What to do. *Hint: where to look.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# What the next notebook does. References.
