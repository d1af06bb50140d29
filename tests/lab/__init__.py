# SPDX-License-Identifier: Apache-2.0
"""Real servers for Slackwater's tests: start them, replicate, load them, look at them, end them."""
