"""The report of all suites: figures as data, judged by the aims, written as a page with plots."""
