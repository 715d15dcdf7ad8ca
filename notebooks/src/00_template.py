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
# *time · needs · writes*
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

REPOSITORY = "https://github.com/OWNER/music-classification"
folders = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "music-classification"]
ROOT = next((p for p in folders if (p / "helpers" / "datasets.py").exists()), None)
if ROOT is None:
    ROOT = folders[-1]
    if subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, str(ROOT)]).returncode:
        raise SystemExit(f"This notebook needs its series: copy {REPOSITORY} to {ROOT}.")
    lines = (ROOT / "requirements.txt").read_text().split("# tools")[0].splitlines()
    needed = filter(None, [line.partition("#")[0].strip() for line in lines])
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *needed], check=True)
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))

# %%
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
# ## Exercises
#
# 1. A question. *Hint: where to look.*
#
# ## Next
#
# What the next notebook does. References.
