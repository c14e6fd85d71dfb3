# Hà Nam Mail: every command that a person types. `make help` lists them.
# Needs git, make and python3 on Debian 13, and root rights; everything else is installed by `make setup`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LAB ?= lab
TOPOLOGY ?= inventory/lab.yml
PYTHON := .venv/bin/python
LAB_STATE := /var/lib/hanam-mail/labs
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONUNBUFFERED := 1
# The hosts of a scenario are in the inventory only once create has run.
export MOLECULE_ANSIBLE_ARGS_STRICT_MODE := 1

# What the programs below need from Debian, and why.
SYSTEM_PACKAGES := \
	python3-venv \
	systemd-container mmdebstrap apt-utils iproute2 openssh-client \
	chromium chromium-driver libnss3-tools

PLAYBOOK = ansible-playbook -i $(TOPOLOGY) -i $(LAB_STATE)/$(LAB)/hosts.yml

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up ---------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: .venv/.ready group_vars/lab/vault.yml ## install what the other commands need (they call it themselves)

.venv/.ready: requirements.lock pyproject.toml
	@[ "$$(id -u)" = 0 ] || { echo "make: root rights are needed (machines are booted, packages installed): sudo make $(MAKECMDGOALS)"; exit 1; }
	@missing=$$(for package in $(SYSTEM_PACKAGES); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null || echo absent)" = installed ] || echo $$package; done); \
	if [ -n "$$missing" ]; then \
		echo "set-up: installing from Debian:" $$missing; \
		echo "  (python3-venv: the tools' own Python environment; systemd-container, mmdebstrap, apt-utils, iproute2,"; \
		echo "   openssh-client: the lab's hosts; chromium, chromium-driver, libnss3-tools: a person's browser in the tests)"; \
		apt-get -q update; \
		DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends $$missing; \
	fi
	@echo "set-up: Python environment in .venv (locked in requirements.lock)"
	@/usr/bin/python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

group_vars/lab/vault.yml: .venv/.ready src/hanam_mail/secrets.py inventory/lab.yml inventory/split.yml
	@$(PYTHON) -m hanam_mail.secrets --output $@
	@touch $@

.PHONY: lock
lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet pyproject.toml --extra dev --generate-hashes --no-header --no-annotate \
		--python-version 3.13 --no-emit-index-url --upgrade -o requirements.lock

# --- the lab --------------------------------------------------------------------------------------------------------

.PHONY: up
up: setup ## start the lab, converge everything, prove it with real mail, say how to log in
	@$(PYTHON) -m hanam_lab up $(LAB) --inventory $(TOPOLOGY)
	@$(PLAYBOOK) playbooks/site.yml
	@$(PLAYBOOK) playbooks/mailboxes.yml
	@HANAM_LAB=$(LAB) HANAM_INVENTORY=$(TOPOLOGY) $(PYTHON) -m tests.prove

.PHONY: down
down: ## remove all that up and test made (CACHES=yes: also the downloaded packages, which other checkouts share)
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m hanam_lab down all; fi
	@rm -rf .venv build .molecule group_vars/lab/vault.yml .pytest_cache .mypy_cache .ruff_cache .hypothesis .ansible src/*.egg-info
	@if [ "$(CACHES)" = yes ]; then rm -rf /var/cache/hanam-mail; fi

.PHONY: status
status: setup ## the labs that run on this machine
	@$(PYTHON) -m hanam_lab status

# --- checks ---------------------------------------------------------------------------------------------------------

.PHONY: test
test: check molecule ## every check and test: style, unit, render, contract, then real hosts and real mail

.PHONY: check
check: lint fast ## everything that needs no hosts (about a minute)

.PHONY: lint
lint: setup ## style and types
	ruff check .
	ruff format --check .
	mypy
	yamllint --strict .
	ansible-lint --offline --strict

.PHONY: fast
fast: setup ## unit, render and contract tests, and the registry
	pytest -q tests/unit tests/render tests/contract
	hanam-mail check

.PHONY: molecule
molecule: setup ## the whole system on real hosts, on one machine and split over several, side by side
	@$(PYTHON) -m hanam_lab.scenarios default split

# --- production -----------------------------------------------------------------------------------------------------

.PHONY: deploy
deploy: setup ## converge an environment: make deploy ENV=production (ARGS="--check --diff" to look first)
	@[ -n "$(ENV)" ] || { echo "make deploy: which environment? ENV=staging or ENV=production"; exit 2; }
	ansible-playbook -i inventory/$(ENV).yml playbooks/site.yml $(ARGS)
	ansible-playbook -i inventory/$(ENV).yml playbooks/mailboxes.yml $(ARGS)
