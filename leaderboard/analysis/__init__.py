"""Records to rows and tables, comparisons and claims."""
