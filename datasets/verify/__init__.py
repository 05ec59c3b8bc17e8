"""`doabench data verify`: do responses and recordings fit what is said of them?"""
